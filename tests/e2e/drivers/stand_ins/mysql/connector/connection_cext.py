class CMySQLConnection:
    def __init__(self, host="127.0.0.1", port=3306, unix_socket=None):
        self._host, self._port, self._unix_socket = host, port, unix_socket
        self._open_connection()

    def _open_connection(self):
        raise OSError("nobody answers")
