/** Texts of the verification of the event log. */
export const verification = {
  explains: "逐一重算全部操作记录的封印，核对有没有人改动或删除过。核验期间不影响使用。",
  start: "开始核验",
  running: "正在核验",
  progress: (done: number, total: number) => `正在核验：已核对 ${done} / ${total} 个封印`,
  columns: { started_at: "开始时间", requested_by_name: "谁发起", result: "结果", events: "记录", head: "末尾指纹" },
  holds: "完整，没有改动",
  broken: (no: number) => `第 ${no} 个封印对不上`,
  brokenDo: "请保留现场，不要重启服务器，立即报告市局督察部门。",
  events: (sealed: number, unsealed: number) => `${sealed} 条${unsealed > 0 ? `,另有 ${unsealed} 条等待封印` : ""}`,
  empty: "还没有核验过",
  emptyDetail: "点“开始核验”，几分钟后可以看到结果。",
} as const;
