"""The baseline of status-callback: bare FastAPI and wechatpy, echoing the message."""

from fastapi import FastAPI, Request, Response
from wechatpy import create_reply, parse_message
from wechatpy.utils import check_signature

from settings import get_settings

TOKEN = get_settings().oa.token.get_secret_value()
app = FastAPI()


@app.post("/wechat/oa")
async def callback(request: Request, signature: str, timestamp: str, nonce: str) -> Response:
    check_signature(TOKEN, signature, timestamp, nonce)
    message = parse_message(await request.body())
    return Response(create_reply(message.content, message).render(), media_type="application/xml")
