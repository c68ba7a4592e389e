const SYSTEMS: readonly [RegExp, string][] = [
  [/HarmonyOS/i, "鸿蒙"],
  [/Android/i, "安卓"],
  [/iPhone|iPad/i, "苹果手机"],
  [/Windows/i, "Windows"],
  [/Mac OS X/i, "Mac"],
  [/Linux|UOS|Kylin/i, "Linux"],
];
const PROGRAMS: readonly [RegExp, string][] = [
  [/MicroMessenger/i, "微信"],
  [/Edg\//i, "Edge"],
  [/Firefox\//i, "Firefox"],
  [/Chrome\//i, "Chrome"],
  [/Safari\//i, "Safari"],
];

/** A browser's own description in two words; as it is where it says nothing known. */
export function deviceName(agent: string): string {
  const found = [SYSTEMS, PROGRAMS].flatMap((names) => names.find(([sign]) => sign.test(agent))?.[1] ?? []);
  return found.length === 0 ? agent.slice(0, 40) : found.join(" ");
}
