"""Paramiko, told what `fieldlink-connect ssh-port --json` prints.

Arguments: the JSON, a directory on the scanner, and "port" or "proxy": the way to get there.
"""

import hashlib
import json
import os
import sys

import paramiko

facts, directory, way = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
NAME = "scanner"


def connect(host_keys):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.get_host_keys().update(host_keys)
    how = dict(username=facts["user"], key_filename=facts["key_file"], look_for_keys=False, allow_agent=False)
    if way == "proxy":
        client.connect(NAME, sock=paramiko.ProxyCommand(facts["proxy_command"]), **how)
    else:
        client.connect(facts["host"], facts["port"], **how)
    return client


def known_hosts():
    if way == "port":
        return paramiko.HostKeys(facts["known_hosts_file"])
    keys = paramiko.HostKeys()
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{NAME} {facts['host_key']}")
    keys.add(NAME, entry.key.get_name(), entry.key)
    return keys


def run(client, command, data=b""):
    channel = client.get_transport().open_session()
    channel.exec_command(command)
    channel.sendall(data)
    channel.shutdown_write()
    out = b"".join(iter(lambda: channel.recv(65536), b""))
    err = b"".join(iter(lambda: channel.recv_stderr(65536), b""))
    code = channel.recv_exit_status()
    channel.close()
    return out, err, code


# A scanner that nobody vouched for is not talked to.
try:
    connect(paramiko.HostKeys())
    sys.exit("an unknown host key was accepted")
except paramiko.SSHException as error:
    assert "not found in known_hosts" in str(error), error

data = os.urandom(700_001)
client = connect(known_hosts())
assert run(client, "echo out; echo err >&2; exit 7") == (b"out\n", b"err\n", 7)
# On the same connection, one after the other.
for code in (0, 1, 255):
    assert run(client, f"cat; exit {code}", data) == (data, b"", code), code
# One that does not wait for what becomes of it: everything that it sent arrives.
whole = os.urandom(4_000_001)
path = f"{directory}/paramiko-{way}-unwaited"
channel = client.get_transport().open_session()
channel.exec_command(f"sleep 0.5; cat > {path}.part && sleep 0.5 && mv {path}.part {path}")
channel.sendall(whole)
channel.shutdown_write()
channel.close()
out, err, code = run(client, f"until [ -e {path} ]; do sleep 0.05; done; sha256sum < {path}")
assert (out.split()[0].decode(), code) == (hashlib.sha256(whole).hexdigest(), 0), (out, err, code)
for name in ("one", "two"):
    sftp = client.open_sftp()
    path = f"{directory}/paramiko-{way}-{name}"
    with sftp.open(path, "wb") as file:
        file.set_pipelined(True)
        file.write(data)
    with sftp.open(path, "rb") as file:
        assert file.read() == data
    sftp.close()
    expected = hashlib.sha256(data).hexdigest()
    assert run(client, f"sha256sum < {path}")[0].decode().split()[0] == expected
client.close()
print("done")
