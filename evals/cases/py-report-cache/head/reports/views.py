from fastapi import APIRouter, Depends

from reports.cache import ReportCache
from reports.dependencies import database
from reports.render import render_month

router = APIRouter()
cache = ReportCache()


@router.get("/reports/{year}/{month}")
def monthly(year: int, month: int, db=Depends(database)) -> dict:
    return cache.get_or_render(year, month, lambda: render_month(db, year, month))
