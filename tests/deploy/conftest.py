"""A clone of the repository, and fake `vastde` and `docker` commands."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = Path(__file__).parents[2]
FAKE = Path(__file__).with_name("fake_command.py")

# The values have every kind of character that is special in a shell, YAML, JSON or a URL.
SECRETS = {
    "S3_ACCESS_KEY": "ACCESS-key+/=one",
    "S3_SECRET_KEY": "s3cr3t \"$HOME\" 'quoted' \\n: & # % é",
    "VAST_DB_SECRET_KEY": "database-secret",
}
SETTINGS = {
    **SECRETS,
    "S3_ENDPOINT": "http://127.0.0.1:9000",
    "VAST_DB_BUCKET": "tables",
    "DEPLOY_KUBERNETES_CLUSTER_VRN": "vast:dataengine:kubernetes-clusters:farm",
    "DEPLOY_NAMESPACE": "vfx",
    "DEPLOY_CONTAINER_REGISTRY": "studio",
    "DEPLOY_REGISTRY_URL": "registry.example.com:5000/vfx",
    "DEPLOY_SOURCE_BUCKET": "shots",
    "DEPLOY_BROKER": "render-broker",
    "DEPLOY_TOPIC": "main",
    "DEPLOY_WAIT": "1",
}


def write_env(file: Path, values: Mapping[str, str]) -> Path:
    """Write a .env file that only its owner can open. Values are in double quotes."""
    lines = [f'{name}="{value}"\n' for name, value in values.items()]
    file.write_text("".join(lines), "utf-8")
    file.chmod(0o600)
    return file


def private_key() -> bytes:
    """Return a new private key in PEM format."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)


def ca_certificate() -> bytes:
    """Return the certificate of a new private authority in PEM format."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Studio CA")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def copy_of_the_repository(to: Path) -> Path:
    """Copy the files that `git clone` would give, and the uncommitted ones."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    return to


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clone for all tests of a process. Each has its own .env, so its own folder in build/deploy.

    It is compiled as one in use is: deploy.sh starts Python some 30 times and lets it write no bytecode.
    """
    clone = copy_of_the_repository(tmp_path_factory.mktemp("a clone, with a comma"))
    for folder in ("functions", "deploy", "tests/exrfiles"):
        compileall.compile_dir(clone / folder, quiet=1)
    return clone


@dataclass
class Site:
    """A clone, a .env file, and a folder that simulates DataEngine."""

    clone: Path
    config: Path
    engine: Path
    outputs: list[str] = field(default_factory=list)

    def run(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run `./deploy.sh --config FILE WORDS` and wait."""
        return self.start([str(self.clone / "deploy.sh"), "--config", str(self.config), *words], typed)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of deploy.sh, with the fake commands first on the path."""
        return os.environ | {
            "PATH": f"{self.engine / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "FAKE_DATAENGINE": str(self.engine),
        }

    def start(self, command: list[str], typed: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.config.parent,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        self.outputs += [done.stdout, done.stderr]
        return done

    def make_slow(self, verb: str, seconds: int = 60) -> None:
        """Let vastde record calls that have `verb`, then wait, so that a test can interrupt it."""
        command = self.engine / "bin" / "vastde"
        begin = 'if __name__ == "__main__":\n'
        wait = f'    import time\n    "{verb}" in WORDS and (record(), time.sleep({seconds}))\n'
        command.write_text(command.read_text("utf-8").replace(begin, begin + wait), "utf-8")

    @property
    def out(self) -> Path:
        """The folder of the deployment in build/deploy."""
        name = "".join(each if each.isascii() and each.isalnum() else "_" for each in self.config.name)
        checksum = subprocess.run(
            ["cksum"], input=f"{self.config}\n", capture_output=True, text=True, check=True
        ).stdout
        return self.clone / "build" / "deploy" / f"{name}-{checksum.split()[0]}"

    @property
    def calls(self) -> list[dict[str, Any]]:
        file = self.engine / "calls.jsonl"
        return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []

    def commands(self, begin: str = "") -> list[str]:
        """Return the command lines that start with `begin`, in order."""
        lines = [" ".join([call["command"], *call["argv"]]) for call in self.calls]
        return [line for line in lines if line.startswith(begin)]

    def forget_calls(self) -> None:
        (self.engine / "calls.jsonl").unlink(missing_ok=True)

    def built(self, tag: str) -> None:
        """Write the state that a build leaves."""
        self.out.mkdir(parents=True)
        (self.out / "state").write_text(f"tag={tag}\n", "utf-8")

    def plan(self, **answers: Mapping[str, Any]) -> None:
        """Let a call fail or answer otherwise: `docker_push={"exit": 1, "say": "denied"}`."""
        planned = {begin.replace("_", " "): {"exit": 1, **what} for begin, what in answers.items()}
        (self.engine / "plan.json").write_text(json.dumps(planned))

    @property
    def objects(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = json.loads((self.engine / "objects.json").read_text())
        return {kind: things for kind, things in found.items() if things}

    def set_objects(self, objects: Mapping[str, Any]) -> None:
        (self.engine / "objects.json").write_text(json.dumps(objects))

    def state(self) -> dict[str, str]:
        lines = (self.out / "state").read_text("utf-8").splitlines()
        return dict(line.partition("=")[::2] for line in lines)


def _make_site(clone: Path, folder: Path) -> Site:
    engine = folder / "engine"
    (engine / "bin").mkdir(parents=True)
    for name in ("vastde", "docker"):
        command = engine / "bin" / name
        command.write_text(f"#!{sys.executable} -IS\n{FAKE.read_text('utf-8')}", "utf-8")
        command.chmod(0o755)
    config = write_env(folder / f"a site {folder.name}.env", SETTINGS)
    made = Site(clone, config, engine)
    made.set_objects({})
    return made


@pytest.fixture
def site(clone: Path, tmp_path: Path) -> Site:
    """A site without a deployment."""
    return _make_site(clone, tmp_path)


@pytest.fixture(scope="session")
def first_run(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site after a full run. Tests only read it."""
    made = _make_site(clone, tmp_path_factory.mktemp("first"))
    done = made.run()
    assert done.returncode == 0, done.stdout
    return made


@pytest.fixture(scope="session")
def failed_run(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site after a run that failed at `push`. Tests only read it."""
    made = _make_site(clone, tmp_path_factory.mktemp("failed"))
    made.plan(docker_push={"say": "denied"})
    assert made.run().returncode == 1
    return made


def _as_after(run: Site, site: Site) -> Site:
    shutil.copytree(run.out, site.out)
    site.set_objects(run.objects)
    return site


@pytest.fixture
def deployed(first_run: Site, site: Site) -> Site:
    """A copy of the site after a full run."""
    return _as_after(first_run, site)


@pytest.fixture
def failed(failed_run: Site, site: Site) -> Site:
    """A copy of the site after a run that failed at `push`."""
    return _as_after(failed_run, site)
