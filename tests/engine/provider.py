"""A stand-in for the Terraform provider hashicorp/aws, for tests: it is NO AWS and reaches none.

It speaks Terraform's plugin protocol (tfplugin6); what exists is kept in a file and on moto. Terraform starts it by
tests/engine/forkserver.py. Settings:
STRATA_ENGINE_WORLD (the file), STRATA_ENGINE_CACHE (a folder), STRATA_ENGINE_TYPES (more types, optional),
STRATA_ENGINE_DELAY, STRATA_ENGINE_FAULT; without AWS_ENDPOINT_URL it refuses to be configured.
"""

# mypy: disable-error-code="misc"
# (the classes that grpc generates have no types, and a servicer must be a subclass of one)

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import msgpack
from tf import runner
from tf.gen import (
    grpc_controller_pb2,
    grpc_controller_pb2_grpc,
    grpc_stdio_pb2_grpc,
    tfplugin_pb2_grpc,
)
from tf.gen import tfplugin_pb2 as pb

from tests.engine import catalog
from tests.engine.cloud import Cloud, PartlyDone
from tests.engine.data_sources import read_data_source
from tests.engine.faults import label
from tests.engine.refusals import Refused
from tests.engine.schema import Block, ProviderSchema, load_schema
from tests.engine.values import empty_object, is_unknown
from tests.engine.world import Object, World

NO_AWS = "This is the stand-in provider of Strata's engine tests, not the AWS provider"


def warm_up(cache: Path) -> None:
    """Reads what every provider of a test run needs, before it is forked."""
    _known_schema(cache)
    _certificate(cache)


def serve() -> None:
    """Runs the provider until Terraform says that it is done."""
    if os.environ.get("TF_PLUGIN_MAGIC_COOKIE") is None:
        sys.exit(f"{NO_AWS}: Terraform starts it, people do not")
    print(NO_AWS, file=sys.stderr)
    cache = Path(os.environ["STRATA_ENGINE_CACHE"])
    done = threading.Event()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    tfplugin_pb2_grpc.add_ProviderServicer_to_server(Provider(_schema(cache)), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(_Controller(done), server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
    with tempfile.TemporaryDirectory() as folder:
        certificate, arguments = _certificate(cache)
        server.add_secure_port(f"unix://{folder}/provider.sock", grpc.ssl_server_credentials(**arguments))
        server.start()
        encoded = base64.b64encode(certificate).decode().rstrip("=")
        print(f"1|6|unix|{folder}/provider.sock|grpc|{encoded}", flush=True)
        done.wait()
        server.stop(grace=0.1).wait()


class Provider(tfplugin_pb2_grpc.ProviderServicer):
    """Terraform's questions to a provider, answered from the stand-in cloud."""

    def __init__(self, schema: ProviderSchema) -> None:
        self._schema = schema
        self._cloud: Cloud | None = None

    def GetMetadata(self, request: Any, context: Any) -> Any:
        return pb.GetMetadata.Response(
            server_capabilities=_CAPABILITIES,
            resources=[pb.GetMetadata.ResourceMetadata(type_name=name) for name in self._schema["resources"]],
            data_sources=[pb.GetMetadata.DataSourceMetadata(type_name=name) for name in self._schema["data_sources"]],
        )

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        return pb.GetProviderSchema.Response(
            server_capabilities=_CAPABILITIES,
            provider=pb.Schema(version=0, block=_block(self._schema["provider"])),
            resource_schemas=_schemas(self._schema["resources"]),
            data_source_schemas=_schemas(self._schema["data_sources"]),
        )

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        response = pb.ConfigureProvider.Response()
        with _reported(response, "configuring the provider"):
            self._cloud = _configured(self._schema, _decoded(request.config))
        return response

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        block = self._schema["resources"][request.type_name]
        raw = json.loads(request.raw_state.json)
        state = {name: raw.get(name, value) for name, value in empty_object(block).items()}
        return pb.UpgradeResourceState.Response(upgraded_state=_encoded(state))

    def ReadResource(self, request: Any, context: Any) -> Any:
        state = _decoded(request.current_state)
        response = pb.ReadResource.Response(new_state=request.current_state, private=request.private)
        with _reported(response, f"reading {request.type_name} ({label(state)})"):
            response.new_state.CopyFrom(_encoded(self._live_cloud.read(request.type_name, state)))
        return response

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        prior, proposed, config = map(_decoded, (request.prior_state, request.proposed_new_state, request.config))
        if proposed is None:
            return pb.PlanResourceChange.Response(planned_state=_encoded(None), planned_private=request.prior_private)
        planned, replaced = self._live_cloud.plan(request.type_name, prior, proposed, config)
        return pb.PlanResourceChange.Response(
            planned_state=_encoded(planned),
            requires_replace=[
                pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=name)]) for name in replaced
            ],
            planned_private=request.prior_private,
        )

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        prior, planned = _decoded(request.prior_state), _decoded(request.planned_state)
        response = pb.ApplyResourceChange.Response(new_state=request.prior_state, private=request.planned_private)
        verb = "creating" if prior is None else "deleting" if planned is None else "updating"
        with _reported(response, f"{verb} {request.type_name} ({label(planned or prior)})"):
            try:
                state = self._applied(request.type_name, prior, planned)
            except PartlyDone as error:
                response.new_state.CopyFrom(_encoded(error.object if planned else None))
                raise
            response.new_state.CopyFrom(_encoded(state))
        return response

    def _applied(self, type: str, prior: Object | None, planned: Object | None) -> Object | None:
        if planned is None:
            self._live_cloud.delete(type, prior or {})
            return None
        if prior is None:
            return self._live_cloud.create(type, planned)
        return self._live_cloud.update(type, prior, planned)

    def ImportResourceState(self, request: Any, context: Any) -> Any:
        response = pb.ImportResourceState.Response()
        with _reported(response, f"importing {request.type_name} ({request.id})"):
            state = self._live_cloud.imported(request.type_name, request.id)
            response.imported_resources.add(type_name=request.type_name, state=_encoded(state))
        return response

    def MoveResourceState(self, request: Any, context: Any) -> Any:
        response = pb.MoveResourceState.Response()
        response.diagnostics.add(severity=pb.Diagnostic.ERROR, summary="the engine does not move state between types")
        return response

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        response = pb.ReadDataSource.Response()
        with _reported(response, f"reading data.{request.type_name}"):
            config = _decoded(request.config)
            response.state.CopyFrom(_encoded(read_data_source(self._live_cloud, request.type_name, config)))
        return response

    def GetFunctions(self, request: Any, context: Any) -> Any:
        return pb.GetFunctions.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:
        return pb.StopProvider.Response()

    @property
    def _live_cloud(self) -> Cloud:
        if self._cloud is None:
            raise Refused("the provider is not configured")
        return self._cloud


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):
    def __init__(self, done: threading.Event) -> None:
        self._done = done

    def Shutdown(self, request: Any, context: Any) -> Any:
        self._done.set()
        return grpc_controller_pb2.Empty()


class _Stdio(grpc_stdio_pb2_grpc.GRPCStdioServicer):
    def StreamStdio(self, request: Any, context: Any) -> Iterator[Any]:
        return iter(())


_CAPABILITIES = pb.ServerCapabilities(get_provider_schema_optional=True)


def _schema(cache: Path) -> ProviderSchema:
    more = os.environ.get("STRATA_ENGINE_TYPES", "").split()
    return _known_schema(cache, *more)


@functools.cache
def _known_schema(cache: Path, *more: str) -> ProviderSchema:
    """Loads the schema; arguments with a default count as computed, so that a plan may show the default."""
    resources = {*catalog.RESOURCES, *(name for name in more if not name.startswith("data."))}
    data_sources = {*catalog.DATA_SOURCES, *(name.removeprefix("data.") for name in more if name.startswith("data."))}
    schema = load_schema(resources, data_sources, cache)
    for type, defaults in catalog.DEFAULTS.items():
        for name in defaults:
            schema["resources"][type]["attributes"][name]["computed"] = True
    return schema


def _configured(schema: ProviderSchema, config: Object) -> Cloud:
    if not os.environ.get("AWS_ENDPOINT_URL"):
        raise Refused(f"{NO_AWS}; it works only with AWS_ENDPOINT_URL set to a local emulator")
    region = config["region"] or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region or is_unknown(region):
        raise Refused("invalid AWS Region: the provider has none")
    if config["assume_role"] or config["assume_role_with_web_identity"]:
        raise Refused("the engine does not model roles that a provider assumes")
    default_tags: dict[str, str] = {}
    for block in config["default_tags"]:
        default_tags |= block["tags"] or {}
    cloud = Cloud(schema, World(Path(os.environ["STRATA_ENGINE_WORLD"])), region, default_tags)
    allowed, forbidden = config["allowed_account_ids"], config["forbidden_account_ids"]
    if (allowed and cloud.account not in allowed) or cloud.account in (forbidden or ()):
        raise Refused(f"AWS account ID not allowed: {cloud.account}")
    return cloud


@contextlib.contextmanager
def _reported(response: Any, doing: str) -> Iterator[None]:
    """Turns what goes wrong into a diagnostic of the response."""
    try:
        yield
    except (Refused, PartlyDone) as error:
        response.diagnostics.add(severity=pb.Diagnostic.ERROR, summary=f"{doing}: {error}")
    except Exception as error:
        response.diagnostics.add(
            severity=pb.Diagnostic.ERROR, summary=f"{doing}: {_emulator_text(error)}", detail=NO_AWS
        )


def _emulator_text(error: Exception) -> str:
    answer = getattr(error, "response", None)
    if isinstance(answer, dict) and "Error" in answer:
        return f"{answer['Error'].get('Code')}: {answer['Error'].get('Message')}"
    return f"{type(error).__name__}: {error}"


def _decoded(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack) if value.msgpack else json.loads(value.json or "null")


def _encoded(value: Object | None) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def _schemas(blocks: dict[str, Block]) -> dict[str, Any]:
    return {name: pb.Schema(version=0, block=_block(block)) for name, block in blocks.items()}


def _block(block: Block) -> Any:
    return pb.Schema.Block(
        attributes=[
            pb.Schema.Attribute(
                name=name,
                type=json.dumps(attribute["type"]).encode(),
                required=attribute["required"],
                optional=attribute["optional"],
                computed=attribute["computed"],
            )
            for name, attribute in block["attributes"].items()
        ],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                nesting=nested["nesting"].upper(),
                min_items=nested["min_items"],
                max_items=nested["max_items"],
                block=_block(nested["block"]),
            )
            for name, nested in block["blocks"].items()
        ],
    )


@functools.cache
def _certificate(cache: Path) -> tuple[bytes, dict[str, Any]]:
    """Returns the certificate that go-plugin wants, and the arguments of its credentials.

    The credentials themselves start grpc's threads, which a fork does not have.
    """
    runner._get_cert_cache_path = lambda: cache / "certificate.json"
    with mock.patch.object(grpc, "ssl_server_credentials", dict):
        certificate: tuple[bytes, dict[str, Any]] = runner._self_signed_cert()
    return certificate
