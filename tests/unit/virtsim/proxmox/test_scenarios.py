# Copyright: (c) 2026, the virtbridge maintainers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole scenarios, recorded from the real handlers, replayed on the simulator."""

from __future__ import annotations

import json
import re
from collections import Counter
from urllib.parse import quote, urlencode

from virtsim.core.clock import Clock
from virtsim.core.http import Request
from virtsim.proxmox import ProxmoxSimulator
from virtsim.proxmox.config_text import parse, render
from virtsim.proxmox.model import Task
from virtsim.proxmox.tasks import UPID
from virtsim.proxmox.usercfg import parse as parse_users

START = 1735689600
USER = {"enable": 1, "expire": 0, "tokens": {}, "password": None}
# Recorded without firmware files and without a monitor of the running guest; 9.2 only.
ELSEWHERE = ("efidisk", "qemu running: several at once")
AREAS = re.compile(r"qemu|node tasks|users|tokens|acl|groups|roles|pools")
MASKS = (
    (r"snaptime: \d+", "snaptime: N"),
    (r"uuid=\S+", "uuid=U"),
    (r"vmgenid: \S+", "vmgenid: U"),
    (r"ctime=\d+", "ctime=N"),
)


class Scenario:
    def __init__(self, row):
        self.sim = ProxmoxSimulator(seed="empty", clock=Clock("jump", start=START))
        self.state = self.sim.state
        self.rewritten = False
        for node in ("pve2", "pve3"):
            self.state.nodes[node] = dict(self.state.nodes["pve1"])
        if "user.cfg" in row["files"]:
            self.state.access = parse_users(row["files"]["user.cfg"])
        self.state.access.users.setdefault("root@pam", dict(USER))
        for name, text in row["files"].items():
            self._file(name, text, {str(v) for v in row["running"]})

    def _file(self, name, text, running):
        match = re.fullmatch(r"nodes/(\w+)/qemu-server/(\d+)\.conf", name)
        if match:
            guest = parse(int(match[2]), match[1], text)
            self.rewritten |= render(guest) != text
            guest.status = "running" if match[2] in running else "stopped"
            self.state.guests[guest.vmid] = guest
            self.sim.disks.register(guest)
        elif name == "/var/log/pve/tasks/index":
            for line in text.splitlines():
                upid, end, status = line.split(" ", 2)
                self._task(upid).endtime = int(end, 16)
                self._task(upid).exitstatus = status
                self.state.ended.append(upid)
        elif name.startswith("/var/log/pve/tasks/"):
            self._task(name.rpartition("/")[2]).log.extend(text.splitlines())

    def _task(self, upid):
        match = UPID.fullmatch(upid)
        new = Task(
            upid,
            match[1],
            match[6],
            match[7],
            match[8],
            int(match[3], 16),
            int(match[4], 16),
            int(match[5], 16),
        )
        return self.state.tasks.setdefault(upid, new)

    def send(self, request):
        user = request.get("user", "root@pam")
        now = self.sim.clock.now()
        if "!" in user:
            owner, _, name = user.partition("!")
            tokens = self.state.access.users.setdefault(owner, dict(USER))["tokens"]
            tokens.setdefault(name, {"expire": 0, "privsep": 0})["secret"] = "x"
            headers = {"authorization": f"PVEAPIToken={user}=x"}
        else:
            self.state.access.users.setdefault(user, dict(USER))
            ticket = quote(self.sim.keys.ticket(user, now))
            headers = {"cookie": f"PVEAuthCookie={ticket}"}
            headers["csrfpreventiontoken"] = self.sim.keys.csrf(user, now)
        headers["content-type"] = "application/json"
        writes = request["method"] in {"POST", "PUT"}
        return self.sim.answer(
            Request(
                request["method"],
                f"/api2/json{request['path']}",
                query_string="" if writes else urlencode(request["params"], doseq=True),
                headers=headers,
                body=json.dumps(request["params"]).encode() if writes else b"",
            )
        )

    def problem(self, step):
        answer, wanted = self.send(step["request"]), step["response"]
        assert "x-virtsim-defect" not in answer.headers, step["request"]
        if "x-virtsim" in answer.headers:
            return "not modelled"
        body = json.loads(answer.body)
        if answer.status != wanted["status"]:
            return f"status {answer.status}, not {wanted['status']}: {body}"
        if answer.status != 200:
            same = body["message"] == wanted.get("message", "")
            same &= body.get("errors", {}) == wanted.get("errors", {})
            return None if same else f"text {body}, not {wanted}"
        return self._data_problem(step, body["data"], wanted.get("data"))

    def _data_problem(self, step, found, wanted):
        if isinstance(wanted, str) and wanted.startswith("UPID:"):
            if str(found).split(":")[5:] != wanted.split(":")[5:]:
                return f"task {found}, not {wanted}"
            self.sim.clock.poll()
            status = self.state.tasks[found].exitstatus
            if step.get("tasks") and status != step["tasks"][-1]["status"]:
                return f"task ends {status!r}, not {step['tasks'][-1]['status']!r}"
        elif self._plain(found, step) != self._plain(wanted, step):
            return f"{found}, not {wanted}"
        for name, text in (step.get("files_after") or {}).items():
            match = re.fullmatch(r"nodes/(\w+)/qemu-server/(\d+)\.conf", name)
            if match:
                guest = self.state.guests.get(int(match[2]))
                if masked(render(guest) if guest else None) != masked(text):
                    return f"file {render(guest) if guest else None!r}, not {text!r}"
        return None

    def _plain(self, value, step):
        unsure = self.rewritten or step.get("digest_masked")
        unsure = unsure or step["response"].get("digest_masked")
        if isinstance(value, list):
            rows = [self._plain(v, step) for v in value]
            rows = [
                r for r in rows if not (unsure and isinstance(r, dict) and r.get("key") == "digest")
            ]
            return sorted(json.dumps(r, sort_keys=True) for r in rows)
        if isinstance(value, dict) and unsure:
            return {k: v for k, v in value.items() if k != "digest"}
        return value


def masked(text):
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text) if text else text
    return text


def test_recorded_scenarios_of_guests_run_the_same(vectors, capsys):
    count, wrong = Counter(), []
    for row in vectors("api_scenarios.jsonl"):
        if not AREAS.match(row["title"]) or any(w in row["title"] for w in ELSEWHERE):
            count["other areas"] += len(row["steps"])
            continue
        scenario = Scenario(row)
        for step in row["steps"]:
            problem = scenario.problem(step)
            kind = "not modelled" if problem == "not modelled" else "wrong" if problem else "same"
            count[kind] += 1
            if kind == "not modelled":
                break  # later steps rest on this one
            if problem:
                request = step["request"]
                wrong.append(f"{row['id']} {request['method']} {request['path']}: {problem}"[:400])
    with capsys.disabled():
        print("\nscenarios, steps:", dict(count), *wrong, sep="\n")
    assert count["same"] >= 554
    assert count["wrong"] <= 1
