from flask import Blueprint, abort, current_app, jsonify

from wiki.history import history
from wiki.pages import UnknownPage

wiki = Blueprint("wiki", __name__)


@wiki.get("/pages/<name>")
def show(name: str):
    try:
        return current_app.extensions["pages"].path(name).read_text(encoding="utf-8")
    except UnknownPage:
        abort(404)


@wiki.get("/pages/<name>/history")
def show_history(name: str):
    try:
        revisions = history(current_app.extensions["pages"], name)
    except UnknownPage:
        abort(404)
    return jsonify([vars(revision) for revision in revisions])
