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

/** What several pages of the administration say. */
export const admin = {
  city: "全市",
  every: "所有类别",
  save: "保存",
  add: "新增",
  edit: "修改",
  propose: "提交复核",
  proposed: "已提交，等待另一位管理员复核。",
  changeReason: "为什么要改（复核人会看到）",
  saved: "已保存。",
} as const;

/** Texts of the changes that two persons decide. */
export const changes = {
  explains: "密钥、答复承诺和评价规则的变更，由一人提出、另一人复核后才生效。自己提出的不能自己同意。",
  view: "范围",
  views: { pending: "待复核", all: "全部" },
  columns: { summary: "变更内容", proposed: "谁提出，为什么", state: "状态", deeds: "操作" },
  kinds: { promise_policy: "答复承诺", rating_rules: "评价规则", key_rotation: "密钥轮换" } as Record<string, string>,
  states: {
    pending: "待复核",
    approved: "已同意",
    refused: "未同意",
    withdrawn: "已撤回",
    expired: "已过期",
  },
  until: (at: string) => `${at} 前有效`,
  own: "由您提出，须由他人复核",
  deeds: { approve: "同意", refuse: "不同意", withdraw: "撤回" },
  reason: { approve: "意见（可不填）", refuse: "不同意的原因" },
  explainsDeed: {
    approve: "同意后按下面的内容生效。",
    refuse: "不同意后不会有任何变化，提出人可以重新提交。",
    withdraw: "撤回后不会有任何变化。",
  },
  done: { approve: "已同意并生效。", refuse: "已记录为不同意。", withdraw: "已撤回。" },
  empty: "没有待复核的变更",
  emptyDetail: "有人提出变更后会出现在这里。",
} as const;

/** Texts of the keys of personal data. */
export const keys = {
  explains: "姓名、电话和证件号用密钥加密保存。这里只显示版本，不显示密钥。新密钥由运维人员放到服务器上。",
  propose: "提出轮换",
  proposeExplains: "轮换会用最新的密钥重新加密全部资料，在后台进行，不影响使用。须由另一位安全管理员同意。",
  encryption: "加密密钥",
  index: "查找密钥",
  version: (no: number) => `第 ${no} 版`,
  status: "状态",
  needed: "有新密钥，需要轮换",
  current: "都已使用最新密钥",
  progress: (percent: number) => `正在轮换：${percent}%`,
  step: (table: string, done: number, total: number, finished: boolean) =>
    `${table}：${done} / ${Math.max(total, done)}${finished ? ",完成" : ""}`,
  rotations: "轮换记录",
  columns: { started_at: "开始时间", to: "换到", by: "谁提出、谁同意", state: "状态" },
  to: (encryption: number, index: number) => `加密第 ${encryption} 版，查找第 ${index} 版`,
  by: (proposer: string, approver: string) => `${proposer}、${approver}`,
  atServer: "在服务器上执行",
  states: { running: "进行中", done: "完成" } as Record<string, string>,
  empty: "还没有轮换过",
  emptyDetail: "放好新密钥后，在这里提出轮换。",
} as const;

/** Texts of holidays and make-up days. */
export const holidays = {
  explains: "系统自带国家公布的节假日。这里补录系统还没有的年份，或者更正。保存后，正在计时的期限立即重新计算。",
  year: "年份",
  add: "补录一天",
  addExplains: "同一天再次保存，以最后一次为准。",
  columns: { day: "日期", kind: "算作", reason: "依据", deeds: "操作" },
  kinds: { holiday: "休息", workday: "上班" },
  reasonHint: "例如：国务院办公厅通知。",
  remove: "取消补录",
  removeExplains: (day: string) => `${day}恢复为系统自带的安排。`,
  empty: "这一年没有补录",
  emptyDetail: "按系统自带的节假日计算。",
} as const;
