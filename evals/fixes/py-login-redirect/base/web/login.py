HOME = "/"


def target_after_login() -> str:
    return HOME
