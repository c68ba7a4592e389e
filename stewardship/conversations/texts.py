"""What the bot says. One catalogue, in words that a 70-year-old understands."""

from __future__ import annotations

HOW_TO_JOIN = (
    "您好，这里是案管家。\n您还没有加入案件服务群。请用微信扫描受案回执上的二维码，或点开短信里的链接加入。\n"
    "没有回执？请带身份证到派出所办理，或拨打派出所值班电话。\n遇到紧急情况，请立即拨打110。"
)
WELCOME = "您好，感谢关注案管家。\n" + HOW_TO_JOIN.partition("\n")[2]
PROVE_PHONE = (
    "您好，这里是案管家。\n为保护当事人隐私，加入前需要核对手机号。\n"
    "请直接回复您在派出所登记的手机号码，民警确认后您就可以加入；也可以打开小程序“案管家”一键验证，立即加入。"
)
PENDING = "手机号已收到。民警核实您的身份后会通知您，一般不超过 1 个工作日。着急可拨打派出所值班电话。"
WRONG_PHONE = "这个号码不对，请核对后再试，还可以试 {left} 次。号码换过了？请联系派出所更新。"
NO_TRIES = "为保护当事人隐私，这个邀请已经作废。请带身份证到派出所，或拨打派出所值班电话重新领取。"
ALREADY_JOINED = "您已经加入，直接提问就可以。回复“询问进展”看案件到了哪一步。"
EMERGENCY = "如果您或他人正面临危险，请立即拨打110！不方便说话，可发短信到 12110。\n这里的留言民警不能马上看到。"
HELP = (
    "您可以这样用案管家：\n· 回复“询问进展”：看案件到了哪一步\n· 回复“谁负责”：看谁在办、怎么联系\n"
    "· 回复“请给我回电”：民警打给您\n· 直接打字或发语音提问：民警会答复您\n· 发照片、文件：作为材料交给民警\n"
    "遇到紧急情况，请立即拨打110。"
)
ASKED = "您的问题已经交给{unit}{officer}，最晚 {due} 答复您。还有要补充的，直接发来就可以。"
ASKED_PROVISIONAL = "您的问题已经交给{unit}{officer}，预计 {due} 前答复您（节假日安排未公布，以届时为准）。"
CALL_BACK = "已经请{unit}{officer}给您回电，最晚 {due} 打给您，请保持电话畅通。"
CHALLENGED = "好的，您的问题转给{unit}{officer}本人答复，最晚 {due} 回复您。"
NOTHING_TO_CHALLENGE = "请把您的问题直接发来，民警会答复您。"
MATERIAL = "材料已收到（编号 {receipt}），会交给办案民警。请保留原件。{due}"
MATERIAL_DUE = "民警最晚 {due} 回复您。"
UNREADABLE_VOICE = "语音已收到，会交给民警听。{due}"
THANKS = "不客气。有问题随时发来。"
CHOOSE_CASE = "您有几个案件，请点一下要问的那一个，或回复前面的数字："
CHOSEN = "好的，现在说的是【{reference}】。"
NO_SUCH_CHOICE = "请回复列表前面的数字。"
NOTHING_TO_RATE = "现在没有等您评价的事项。案件有了结果，我们会请您评价。"
RATE = "请您评价这次服务（回复数字）：\n1 满意\n2 基本满意\n3 不满意"
WHICH_RATING = "有几件事请您评价，请点开对应的评价通知来评，这样不会弄错。"
WANTS_OTHER_TIMES = "给的时间都不合适，请和我另约时间。"
OTHER_TIMES = "好的，这几个时间都不用了。{unit}{officer}最晚 {due} 给您打电话，另约时间。"
BOOKED = "约好了：{at}，到{unit}{purpose}。"
BOOKED_CHANGE = "来不了请提前告诉我们：在小程序“案管家”里改约，或拨打 {phone}。"
WHICH_QUESTION = "您有两件事等您回复：\n{one}：请回复 11、12 或 13\n{other}：请回复 21、22 或 23"
RATED = "评价已收到，谢谢您。"
RATED_DISSATISFIED = "评价已收到。很抱歉没有让您满意，24 小时内会有其他民警给您打电话了解情况。"
RATING_GONE = "这次评价已经截止。有意见可以直接发来，民警会答复您。"
CLOSED_CASE = "这个案件已经办结。您的问题已经交给{unit}，最晚 {due} 答复您。"
