DEFAULTS = {"mail": {"digest": True, "news": False}, "sms": {"alerts": True}}
