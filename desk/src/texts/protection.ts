/** Making a person protected. */
export const protection = {
  title: "设为受保护人员",
  change: "修改保护方式",
  explains: "此后只用安全电话、在安全时间联系；没有说出暗语的，一律按陌生人对待。",
  codeWord: "暗语",
  codeWordHint: "两个字以上，请与本人当面约定。",
  safePhone: "安全电话",
  pretext: "托词",
  pretextHint: "他人接听或看到时的说法，例如“社区体检回访”。",
  from: "从",
  to: "到",
  save: "保存",
} as const;
