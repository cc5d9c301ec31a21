from fastapi import APIRouter, Depends

from devices.dependencies import Account, current_account, device_store
from devices.store import DeviceStore

router = APIRouter()


@router.get("/devices")
async def list_devices(
    account: Account = Depends(current_account), store: DeviceStore = Depends(device_store)
):
    return await store.devices_of(account.id)
