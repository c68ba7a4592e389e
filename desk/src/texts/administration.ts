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

/** Texts of the promises of an answer. */
export const promises = {
  explains: "按单位和案件类别承诺多久答复。没有单列的，按上级单位或全市的承诺。修改须由另一位系统管理员复核。",
  view: "范围",
  views: { now: "现行", all: "全部版本" },
  columns: { where: "适用于", summary: "承诺", state: "状态", deeds: "操作" },
  states: { in_force: "现行", to_come: "将生效", superseded: "已被取代" },
  version: (no: number, from: string) => `第 ${no} 版，${from} 起`,
  edit: "修改答复承诺",
  editExplains: "换一个单位或类别，就是为它单列一份承诺。新承诺只影响待答的提问。",
  unit: "单位",
  kind: "案件类别",
  first: "首次答复期限",
  firstUnit: "首次答复的单位",
  full: "完整答复期限",
  fullUnit: "完整答复的单位",
  noneHint: "不填就是不作承诺。",
  units: { duty_minutes: "分钟（值班时间）", working_days: "工作日" },
  warn: "提前提醒（用时百分比）",
  warnHint: "例如：50、80。",
  challenge: "系统答复后多少小时内可以说“没有解决”",
  from: "从哪天起",
  fromHint: "不填就是复核同意后立即生效。",
  preview: "预览影响",
  empty: "还没有答复承诺",
  emptyDetail: "请先在服务器上运行初始化，写入全市的承诺。",
} as const;

/** Texts of the rules by which people are asked for a rating. */
export const ratingRules = {
  explains: "谁在什么时候会收到评价邀请。修改须由另一位系统管理员复核。涉未成年人、性侵害等敏感案件一律不邀请。",
  edit: "修改评价规则",
  editExplains: "复核同意后，对新的评价邀请生效。",
  columns: { version: "版本", summary: "规则", active_from: "生效时间", by: "谁提出、谁同意" },
  version: (no: number) => `第 ${no} 版`,
  original: "初始规则",
  inForce: "现行",
  delay: "办结后多少分钟邀请",
  life: "邀请多少天内有效",
  cap: "同一人至少隔多少天",
  capHint: "同一人在这些天内最多收到一次邀请。",
  kinds: "哪些类别邀请评价",
  excluded: "哪些人不邀请（灰色的不能取消）",
  empty: "没有规则",
} as const;

/** Texts of the units. */
export const units = {
  add: "新增单位",
  columns: { name: "名称", code: "代码", kind: "类型", duty_phone: "值班电话", calendar: "值班时间", deeds: "操作" },
  address: "地址",
  parent: "上级单位",
  level: "层级",
  levels: { team: "所队", sub_bureau: "分局或支队", bureau: "市局" },
  kinds: {
    police_station: "派出所",
    traffic: "交警",
    criminal: "刑侦",
    opinion_centre: "民意中心",
    sub_bureau: "分局",
    bureau: "市局",
  },
  close: "撤销",
  editOf: (name: string) => `修改${name}`,
  closeOf: (name: string) => `撤销${name}`,
  closeExplains: "撤销后不能恢复。在办案件全部交给接收单位的教导员。",
  successor: "接收单位",
  closed: (name: string, n: number) => `${name}已撤销，移交 ${n} 件在办案件。`,
  empty: "没有单位",
} as const;

/** Texts of the officers and their roles. */
export const officers = {
  explainsSystem: "登记民警、调动和停用。身份和登录由安全管理员负责。",
  explainsSecurity: "授予身份、发放首次登录码、重置动态验证码。登记和调动由系统管理员负责。",
  unit: "单位",
  view: "范围",
  views: { active: "在职", left: "已停用" },
  columns: { number: "警号", name: "姓名", deeds: "操作" },
  deeds: {
    add: "新增民警",
    import: "导入",
    edit: "修改",
    move: "调动",
    deactivate: "停用",
    activate: "恢复",
    roles: "身份",
    code: "首次登录码",
    reset: "重置验证码",
  },
  deedOf: (deed: string, name: string) => `${deed}：${name}`,
  explains: {
    move: "还有在办案件的，须指定同单位的接收人。",
    deactivate: "停用后立即退出所有登录，不能再登录。",
    activate: "恢复后可以登录，身份按原来的授予。",
    code: "生成一次性的首次登录码，以前发放的作废。请当面交给本人。",
    reset: "重置后立即退出所有登录，下次登录重新绑定身份验证器。请先核实本人。",
  } as Record<string, string>,
  mobile: "手机",
  mobileHint: "不填就是不变。",
  password: "首次密码",
  passwordHint: "至少 10 位，请本人登录后修改。",
  newUnit: "调往",
  receiver: "在办案件交给",
  noCases: "没有在办案件",
  moved: (n: number) => `已调动，移交 ${n} 件在办案件。`,
  codeExplains: (until: string) => `${until} 前有效，只能用一次，关闭后不再显示。`,
  role: "身份",
  over: "范围（含下级）",
  grant: "授予",
  end: "结束",
  roleColumns: { role: "身份", unit: "范围", from: "开始", to: "结束" },
  noRoles: "没有身份",
  formerUnit: "已撤销的单位",
  importExplains: "表格须有四列：警号、姓名、单位代码、手机。最多 2000 行。先核对，全部正确才能导入。",
  file: "选择表格（xlsx 或 csv)",
  importColumns: { row: "行", number: "警号", name: "姓名", problem: "核对结果" },
  checked: (n: number, wrong: number) =>
    wrong === 0 ? `共 ${n} 行，全部正确，还没有导入。` : `共 ${n} 行，${wrong} 行有误，改好后重新选择。`,
  right: "正确",
  takeOver: "导入",
  imported: (n: number) => `已导入 ${n} 名民警。`,
  noRows: "表格里没有内容",
  empty: "没有民警",
  emptyDetail: "请换一个单位或范围。",
} as const;

/** Texts of the duty calendars. */
export const calendars = {
  names: { office: "正常办公", duty: "全天值班" } as Record<string, string>,
} as const;

/** Texts of the canned replies. */
export const cannedReplies = {
  explains: "答复时可以直接选用。全市的大家都能用，单位的只有本单位和下级能用。",
  columns: { title: "名称", text: "内容", whose: "谁可以用", kind: "案件类别", uses: "用过", deeds: "操作" },
  whose: { own: "我自己", unit: "本单位", city: "全市" },
  place: "排序",
  placeHint: "数字小的排在前面。",
  placeholders: (names: string) => `可以插入：${names}。`,
  version: (no: number) => `第 ${no} 版`,
  versionsOf: (title: string) => `以前的版本：${title}`,
  versionColumns: { version: "版本", text: "内容", by: "谁写的" },
  editOf: (title: string) => `修改：${title}`,
  retire: "停用",
  retireExplains: (title: string) => `停用后不再出现在选单里：${title}。以前发出的不受影响。`,
  empty: "还没有常用回复",
  emptyDetail: "点“新增”，写下经常要说的话。",
} as const;
