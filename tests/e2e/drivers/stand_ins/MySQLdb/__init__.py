def connect(*args, **kwargs):
    from MySQLdb.connections import Connection

    return Connection(*args, **kwargs)
