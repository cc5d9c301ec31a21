from fastapi import APIRouter, Depends

from reports.dependencies import database
from reports.render import render_month

router = APIRouter()


@router.get("/reports/{year}/{month}")
def monthly(year: int, month: int, db=Depends(database)) -> dict:
    return render_month(db, year, month)
