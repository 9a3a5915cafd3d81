"""AsyncSSH, told what `fieldlink-connect ssh-port --json` prints.

Arguments: the JSON, a directory on the scanner, and "port" or "proxy": the way to get there.
"""

import asyncio
import json
import os
import sys

import asyncssh

facts, directory, way = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
NAME = "scanner"


def connect(known_hosts):
    how = dict(username=facts["user"], client_keys=[facts["key_file"]], agent_path=None, config=None)
    if way == "proxy":
        return asyncssh.connect(NAME, proxy_command=facts["proxy_command"], known_hosts=known_hosts, **how)
    return asyncssh.connect(facts["host"], facts["port"], known_hosts=known_hosts, **how)


async def main():
    line = f"{NAME} {facts['host_key']}\n" if way == "proxy" else facts["known_hosts"] + "\n"
    try:
        async with connect(asyncssh.import_known_hosts("elsewhere " + facts["host_key"])):
            sys.exit("an unknown host key was accepted")
    except asyncssh.HostKeyNotVerifiable:
        pass
    data = os.urandom(700_001)
    async with connect(asyncssh.import_known_hosts(line)) as connection:
        # On the same connection, one after the other.
        for code in (7, 0, 255):
            result = await connection.run(f"cat; echo err >&2; exit {code}", input=data, encoding=None)
            assert (result.stdout, result.stderr, result.exit_status) == (data, b"err\n", code), code
        for name in ("one", "two"):
            async with connection.start_sftp_client() as sftp:
                path = f"{directory}/asyncssh-{way}-{name}"
                async with sftp.open(path, "wb") as file:
                    await file.write(data)
                async with sftp.open(path, "rb") as file:
                    assert await file.read() == data
    print("done")


asyncio.run(main())
