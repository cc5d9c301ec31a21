from flask import Blueprint, abort, current_app, jsonify

from wiki.pages import UnknownPage

wiki = Blueprint("wiki", __name__)


@wiki.get("/pages/<name>")
def show(name: str):
    try:
        return current_app.extensions["pages"].path(name).read_text(encoding="utf-8")
    except UnknownPage:
        abort(404)
