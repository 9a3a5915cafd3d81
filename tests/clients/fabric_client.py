"""Fabric, told what `fieldlink-connect ssh-port --json` prints. Arguments: the JSON, a directory on the scanner."""

import io
import json
import os
import sys

import fabric
import paramiko

facts, directory = json.loads(sys.argv[1]), sys.argv[2]
connection = fabric.Connection(
    facts["host"],
    port=facts["port"],
    user=facts["user"],
    connect_kwargs={"key_filename": facts["key_file"], "look_for_keys": False, "allow_agent": False},
)
connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
connection.client.load_host_keys(facts["known_hosts_file"])
for code in (7, 0, 3):
    result = connection.run(f"echo out; echo err >&2; exit {code}", hide=True, warn=True, in_stream=False)
    assert (result.stdout, result.stderr, result.exited) == ("out\n", "err\n", code), result
data = os.urandom(700_001)
for name in ("one", "two"):
    connection.put(io.BytesIO(data), f"{directory}/fabric-{name}")
    back = io.BytesIO()
    connection.get(f"{directory}/fabric-{name}", back)
    assert back.getvalue() == data
connection.close()
print("done")
