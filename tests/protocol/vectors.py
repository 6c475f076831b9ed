# SPDX-License-Identifier: Apache-2.0
"""AWS's SigV4 vectors (aws4_testsuite of botocore's archive) against src/crypto/sigv4: canonical request as a signer and as a
verifier makes it, string to sign, authorization."""
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # published with them


def question(directory):
    raw = (directory / f"{directory.name}.req").read_bytes().decode()
    head, _, body = raw.replace("\r\n", "\n").partition("\n\n")
    line, *fields = head.split("\n")
    method, _, target = line.partition(" ")
    target = target.rpartition(" HTTP/")[0]
    headers = []
    for field in fields:
        if field[:1] in " \t":  # a folded line, as a proxy or a server unfolds it (RFC 9112 section 5.2)
            headers[-1][1] += " " + field.strip()
        else:
            name, _, value = field.partition(":")
            headers.append([name, value])
    for line in (directory / f"{directory.name}.creq").read_text().splitlines():
        if line.startswith("x-amz-security-token:") and "oken" not in head:  # the signer adds it
            headers.append(line.split(":"))
    path, _, query = target.partition("?")
    return dict(do="sign", table=0, secret=SECRET, method=method, path=path, query=query, headers=headers, body=body)


def wrong(directory, answer):
    for suffix in ("creq", "sts", "authz"):
        wanted = (directory / f"{directory.name}.{suffix}").read_text().replace("\r\n", "\n")
        if answer[suffix] != wanted:
            return f"{suffix} is\n{answer[suffix]!r}\nwanted\n{wanted!r}"
    if answer["received"] != answer["creq"]:
        return f"the verifier makes\n{answer['received']}\nof it"
    return None


def run(interpreter, root, only):
    """Yields (name, what is wrong or None, None)."""
    for directory in sorted(d for d in root.rglob("*") if (d / f"{d.name}.req").exists()):
        name = f"sigv4/{directory.relative_to(root)}"
        if only in name:
            yield name, wrong(directory, interpreter.ask(**question(directory))), None
