def shout(text: str) -> str:
    return text.upper() + "!"


def describe(name: str, size: str) -> str:
    return f"{name} is {size}"
