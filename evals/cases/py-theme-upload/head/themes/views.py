from flask import Blueprint, current_app, jsonify, request
from flask_login import current_user, login_required

from themes.store import InvalidTheme

MAX_BYTES = 20 * 1024 * 1024

themes = Blueprint("themes", __name__)


@themes.get("/theme")
@login_required
def show():
    store = current_app.extensions["themes"]
    return jsonify(templates=store.templates(current_user.shop_id))


@themes.put("/theme")
@login_required
def upload():
    if request.content_length is None or request.content_length > MAX_BYTES:
        return jsonify(error="archive too large"), 413
    store = current_app.extensions["themes"]
    try:
        count = store.install(current_user.shop_id, request.get_data())
    except InvalidTheme as error:
        return jsonify(error=str(error)), 422
    return jsonify(files=count)
