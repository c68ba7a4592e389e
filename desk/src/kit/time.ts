import { installed, present } from "@/kit/clock";
import { texts } from "@/texts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const { time } = texts;

/** A length of duty time in words: minutes below an hour, then hours, then days of eight hours. */
export function duration(seconds: number): string {
  const whole = Math.floor(Math.abs(seconds));
  if (whole < MINUTE) return time.underAMinute;
  if (whole < HOUR) return time.minutes(Math.floor(whole / MINUTE));
  if (whole < 10 * HOUR) {
    const rest = Math.floor((whole % HOUR) / MINUTE);
    return rest === 0 ? time.hours(Math.floor(whole / HOUR)) : time.hoursMinutes(Math.floor(whole / HOUR), rest);
  }
  return time.hours(Math.floor(whole / HOUR));
}

/** A length of time by the calendar: from two days on in whole days, each of 24 hours. */
export function elapsed(seconds: number): string {
  const days = Math.floor(Math.abs(seconds) / DAY);
  return days < 2 ? duration(seconds) : time.days(days);
}

/** "剩 12 分钟" or "超 1 小时". */
export function timeLeft(seconds: number): string {
  return seconds >= 0 ? time.left(duration(seconds)) : time.over(duration(seconds));
}

/** Seconds from an instant to `now` (of this computer's clock, as `useNow` tells it); below zero for one to come. */
export function secondsSince(instant: string, now: number): number {
  return Math.round((installed(now) - Date.parse(instant)) / 1000);
}

export type Urgency = "over" | "soon" | "calm";

/** How loudly a time left is shown. */
export function urgency(seconds: number): Urgency {
  if (seconds < 0) return "over";
  return seconds <= 10 * MINUTE ? "soon" : "calm";
}

const CHINA = "Asia/Shanghai";
const clockTime = new Intl.DateTimeFormat("zh-CN", { timeZone: CHINA, hour: "2-digit", minute: "2-digit", hour12: false }); // prettier-ignore
const dayAndTime = new Intl.DateTimeFormat("zh-CN", { timeZone: CHINA, month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false }); // prettier-ignore
const withTheYear = new Intl.DateTimeFormat("zh-CN", { timeZone: CHINA, year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false }); // prettier-ignore
const toTheSecond = new Intl.DateTimeFormat("zh-CN", { timeZone: CHINA, month: "long", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }); // prettier-ignore
const wholeDay = new Intl.DateTimeFormat("zh-CN", { timeZone: CHINA, year: "numeric", month: "long", day: "numeric" });
const isoDay = new Intl.DateTimeFormat("en-CA", { timeZone: CHINA });

/** An instant as a person says it: today's by that word, another year's with the year. */
export function moment(instant: string, now = new Date(present())): string {
  const at = new Date(instant);
  const [on, today] = [isoDay.format(at), isoDay.format(now)];
  if (on === today) return time.today(clockTime.format(at));
  return (on.slice(0, 4) === today.slice(0, 4) ? dayAndTime : withTheYear).format(at);
}

/** An instant of any day to the second. */
export function exactly(instant: string): string {
  return toTheSecond.format(new Date(instant));
}

/** A legal date (2026-03-09) in words. */
export function day(date: string): string {
  return wholeDay.format(new Date(`${date}T12:00:00+08:00`));
}

/** The legal date that it is now. */
export function today(): string {
  return legalDate(new Date(present()));
}

/** The legal date of an instant, as 2026-03-09. */
export function legalDate(at: Date): string {
  return isoDay.format(at);
}

const isoTime = new Intl.DateTimeFormat("en-GB", { timeZone: CHINA, hour: "2-digit", minute: "2-digit" });

/** An instant as a field of date and time shows it, in Chinese time wherever the computer stands. */
export function inField(at: Date): string {
  return `${isoDay.format(at)}T${isoTime.format(at)}`;
}

/** What was put into such a field, as an instant for the API. */
export function fromField(value: string): string {
  return new Date(`${value}:00+08:00`).toISOString();
}
