def connect(text, **kwargs):
    raise OSError("nobody answers")
