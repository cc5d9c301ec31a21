from flask import Blueprint, current_app, jsonify
from flask_login import current_user, login_required

themes = Blueprint("themes", __name__)


@themes.get("/theme")
@login_required
def show():
    store = current_app.extensions["themes"]
    return jsonify(templates=store.templates(current_user.shop_id))
