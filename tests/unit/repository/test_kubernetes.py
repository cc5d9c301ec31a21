from typing import Any

import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from app.settings import Settings
from tests.unit.repository.files import ROOT, read
from tests.unit.repository.test_container import arguments, parse_program, routes

FOLDER = ROOT / "deploy" / "kubernetes"
Manifest = dict[str, Any]


def manifests() -> list[Manifest]:
    """Every object that `kubectl apply -k` creates."""
    names = yaml.safe_load(read("deploy/kubernetes/kustomization.yaml"))["resources"]
    return [
        each for name in names for each in yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))
    ]


def objects(kind: str) -> dict[str, Manifest]:
    """The objects of a kind by name."""
    return {each["metadata"]["name"]: each for each in manifests() if each["kind"] == kind}


def pod(deployment: Manifest) -> Manifest:
    return deployment["spec"]["template"]["spec"]


def container(deployment: Manifest) -> Manifest:
    [only] = pod(deployment)["containers"]
    return only


def selects(selector: dict[str, str], deployment: Manifest) -> bool:
    return selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize(
    "manifest", manifests(), ids=lambda each: f"{each['kind']}-{each['metadata']['name']}"
)
def test_each_manifest_follows_the_published_schema(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_the_validator_rejects_a_misspelled_field() -> None:
    broken: Manifest = objects("Service")["web"] | {"spce": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_the_kustomization_lists_every_file() -> None:
    listed = yaml.safe_load(read("deploy/kubernetes/kustomization.yaml"))["resources"]
    assert {*listed, "kustomization.yaml"} == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_pod_runs_an_existing_command_and_is_probed_on_public_paths(name: str) -> None:
    deployment = objects("Deployment")[name]
    command = container(deployment)
    parse_program(command["args"])
    assert command["args"][-2:] == ["--role", name]
    probed = {command[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")}
    assert probed == {"/readyz", "/healthz"} <= routes()
    assert command["args"][command["args"].index("--port") + 1] == str(command["ports"][0]["containerPort"])


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_pod_is_unprivileged_and_writes_only_to_its_own_volumes(name: str) -> None:
    deployment = objects("Deployment")[name]
    security = container(deployment)["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert str(pod(deployment)["securityContext"]["runAsUser"]) == arguments("USER")[0]
    assert not pod(deployment)["automountServiceAccountToken"]
    mounts = {each["mountPath"] for each in container(deployment)["volumeMounts"] if not each.get("readOnly")}
    assert mounts == {arguments("VOLUME")[0], "/tmp"}
    volumes = {each["name"]: each for each in pod(deployment)["volumes"]}
    assert "emptyDir" in volumes["data"], "two pods must not share the name of a process"


@pytest.mark.parametrize("name", ["web", "worker"])
def test_a_pod_finds_the_key_of_the_app_at_its_path(name: str) -> None:
    command = container(objects("Deployment")[name])
    environment = {each["name"]: each["value"] for each in command["env"]}
    assert {each.lower() for each in environment} <= Settings.model_fields.keys()
    folder = next(each["mountPath"] for each in command["volumeMounts"] if each["name"] == "app-key")
    assert environment["GITHUB_APP_PRIVATE_KEY_PATH"] == f"{folder}/app.pem"
    assert "--from-file=app.pem=" in read("docs/kubernetes.md")


def test_service_budgets_and_policies_select_the_pods() -> None:
    deployments = objects("Deployment")
    assert selects(objects("Service")["web"]["spec"]["selector"], deployments["web"])
    for name, budget in objects("PodDisruptionBudget").items():
        assert selects(budget["spec"]["selector"]["matchLabels"], deployments[name])
        assert budget["spec"]["minAvailable"] < deployments[name]["spec"]["replicas"]
    policies = objects("NetworkPolicy")
    assert all(
        selects(policies["egress"]["spec"]["podSelector"]["matchLabels"], each)
        for each in deployments.values()
    )
    for name in ("web", "worker"):
        assert selects(policies[name]["spec"]["podSelector"]["matchLabels"], deployments[name])
    assert "ingress" not in policies["worker"]["spec"], "nothing connects to a worker"


def test_the_ingress_publishes_only_the_webhook() -> None:
    [rule] = objects("Ingress")["web"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/webhooks/github", "Exact")
    assert path["backend"]["service"]["name"] in objects("Service")
