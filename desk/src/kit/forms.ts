/** What a form holds while it is filled in: everything as it is typed. */
export type Values = Record<string, string>;

export interface Option {
  value: string;
  label: string;
}

/** A field of a `FormDialog`. `least` and `most` bound a number, `most` the length of a text. */
export interface Field {
  key: string;
  label: string;
  kind?: "text" | "area" | "number" | "choice" | "date" | "password";
  options?: readonly Option[];
  hint?: string;
  optional?: boolean;
  least?: number;
  most?: number;
  pattern?: string;
  /** Stands below whatever else the dialog holds: a reason is asked for at the end. */
  last?: boolean;
}

/** The entries of a catalogue of names as options, in its order. */
export function optionsOf(names: Readonly<Record<string, string>>): Option[] {
  return Object.entries(names).map(([value, label]) => ({ value, label }));
}

/** A text that may be left out: null where nothing was typed. */
export function orNull(value: string | undefined): string | null {
  return value === undefined || value.trim() === "" ? null : value.trim();
}
