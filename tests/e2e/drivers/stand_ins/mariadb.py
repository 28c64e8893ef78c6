def connect(*args, **kwargs):
    raise OSError("nobody answers")
