"""Texts that the platform itself shows on phones, in one place. The page's own texts are in static/texts.js."""

from __future__ import annotations

UNAVAILABLE = "该公众号暂时无法提供服务，请稍后再试"
MP_UNAVAILABLE = "该小程序客服暂时无法提供服务，请稍后再试"
FOLLOWED = "你已关注公众号"
UNFOLLOWED = "你已取消关注公众号"
SCANNED = "扫描了二维码"
QR_EXPIRED = "二维码已失效"
LINK_EXPIRED = "链接已失效"
MENU_TAPPED = "点击菜单：{name}"
OPENED = "打开小程序：{path}"
ENTERED_SESSION = "进入小程序客服会话"
LOCATION_REPORTED = "上报了位置"
BLOCKED = "已拒收消息"
UNBLOCKED = "已恢复接收消息"
CONSENTED = "允许了 {count} 个订阅消息模板"
REFUSED = "拒绝了订阅消息"
SUBSCRIPTION_OFF = "在设置中关闭了订阅消息"
LABELS = {
    "image": "[图片]",
    "voice": "[语音]",
    "video": "[视频]",
    "shortvideo": "[小视频]",
    "location": "[位置]",
    "link": "[链接]",
    "file": "[文件]",
    "miniprogrampage": "[小程序]",
}
