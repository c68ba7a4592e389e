/** Canned replies, offered while an answer is written. */
export const replies = {
  choose: "常用语",
  title: "选择常用语",
  search: "查找常用语",
  searchHint: "输入标题或内容里的字；按上、下键选择，按回车采用。",
  none: "没有符合的常用语",
  noneDo: "换几个字再找，或者直接填写答复。",
  whose: { own: "自己的", unit: "本单位", city: "全市" },
  uses: (n: number) => `用过 ${n} 次`,
  key: "选常用语",
} as const;
