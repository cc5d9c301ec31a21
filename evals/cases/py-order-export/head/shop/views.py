import csv
import io

from flask import Blueprint, Response, abort, request
from flask_login import login_required

from shop.orders import COLUMNS, find_order, orders_between

orders = Blueprint("orders", __name__)


@orders.get("/orders/<int:order_id>")
@login_required
def show(order_id):
    order = find_order(order_id)
    if order is None:
        abort(404)
    return dict(order)


@orders.get("/orders/export.csv")
@login_required
def export():
    rows = orders_between(
        request.args["from"],
        request.args["to"],
        sort=request.args.get("sort", "placed_at"),
        descending=request.args.get("direction") == "desc",
    )
    return _as_csv(rows)


def _as_csv(rows):
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([row[column] for column in COLUMNS])
    return Response(buffer.getvalue(), mimetype="text/csv")
