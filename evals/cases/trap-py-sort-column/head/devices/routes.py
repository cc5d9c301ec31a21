from fastapi import APIRouter, Depends, HTTPException

from devices.dependencies import Account, current_account, device_store
from devices.store import DEFAULT_SORT, DeviceStore, UnknownColumn

router = APIRouter()


@router.get("/devices")
async def list_devices(
    sort: str = DEFAULT_SORT,
    account: Account = Depends(current_account),
    store: DeviceStore = Depends(device_store),
):
    try:
        return await store.devices_of(account.id, sort)
    except UnknownColumn as error:
        raise HTTPException(status_code=422, detail="unknown sort column") from error
