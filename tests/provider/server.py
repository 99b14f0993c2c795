"""Terraform's plugin protocol, served by a thread: a stand-in for hashicorp/aws that calls the emulated AWS.

Terraform finds it by TF_REATTACH_PROVIDERS. It listens on TCP, because only there a connection tells which of several
configured providers it belongs to; on a unix socket all of them look alike.
"""

# mypy: disable-error-code="misc"
# (the classes that grpc generates have no types, and a servicer must be a subclass of one)

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Iterator, Mapping
from concurrent import futures
from typing import Any

import grpc
import msgpack
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc, tfplugin_pb2_grpc
from tf.gen import tfplugin_pb2 as pb

from tests.provider.aws import ATTEMPTS, AwsError, Session, here
from tests.provider.facts import facts_of
from tests.provider.mapping import Object, is_unknown, shaped
from tests.provider.plan import plan
from tests.provider.resource import HalfDone, Refused, Resource
from tests.provider.schema import Block, empty_object, load_schema
from tests.provider.services import DATA_SOURCES, RESOURCES

SOURCE = "registry.terraform.io/hashicorp/aws"
NO_AWS = "This is the stand-in provider of Strata's tests, not the AWS provider"
_LABELS = ("name", "display_name", "user_name", "bucket", "email", "id")


class StandIn:
    """The stand-in for everything that calls one endpoint: a server for each who calls."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._running = contextlib.ExitStack()
        self._variables: dict[tuple[str, ...], dict[str, str]] = {}

    def variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Returns the variables by which Terraform finds it, with the credentials that an environment has."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        given = {name.lower(): environment[name] for name in names if name in environment}
        key = tuple(given.values())
        if key not in self._variables:
            self._variables[key] = self._running.enter_context(provider(self._endpoint, given))
        return self._variables[key]

    def stop(self) -> None:
        """Ends all servers."""
        self._running.close()


@contextlib.contextmanager
def provider(endpoint: str, credentials: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Serves until the block ends, and gives the variables by which Terraform finds it."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=24))
    tfplugin_pb2_grpc.add_ProviderServicer_to_server(Provider(endpoint, credentials), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(_Controller(), server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    reattach = {
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": os.getpid(),
        "Test": True,
        "Addr": {"Network": "tcp", "String": f"127.0.0.1:{port}"},
    }
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps({SOURCE: reattach})}
    finally:
        server.stop(grace=None).wait()


class Provider(tfplugin_pb2_grpc.ProviderServicer):
    """Terraform's questions to a provider. What one connection is configured with holds for that connection."""

    def __init__(self, endpoint: str, credentials: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._sessions: dict[str, Session] = {}
        self._stopped: set[str] = set()

    def GetMetadata(self, request: Any, context: Any) -> Any:
        return pb.GetMetadata.Response(
            server_capabilities=_CAPABILITIES,
            resources=[pb.GetMetadata.ResourceMetadata(type_name=name) for name in RESOURCES],
            data_sources=[pb.GetMetadata.DataSourceMetadata(type_name=name) for name in DATA_SOURCES],
        )

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        return _provider_schema()

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        response = pb.ValidateResourceConfig.Response()
        for fault in RESOURCES[request.type_name].facts.faults(_decoded(request.config)):
            response.diagnostics.add(severity=pb.Diagnostic.ERROR, summary=fault)
        return response

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        response = pb.ValidateDataResourceConfig.Response()
        for fault in facts_of(request.type_name, "data").faults(_decoded(request.config)):
            response.diagnostics.add(severity=pb.Diagnostic.ERROR, summary=fault)
        return response

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        response = pb.ConfigureProvider.Response()
        here.is_active = context.is_active
        self._stopped.discard(context.peer())  # another Terraform, with the port of one that was interrupted
        with _reported(response, "configuring the provider"):
            self._sessions[context.peer()] = _configured(self._endpoint, self._credentials, _decoded(request.config))
        return response

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        block = load_schema()["resources"][request.type_name]
        raw = json.loads(request.raw_state.json)
        state = {name: raw.get(name, value) for name, value in empty_object(block).items()}
        return pb.UpgradeResourceState.Response(upgraded_state=_encoded(state))

    def ReadResource(self, request: Any, context: Any) -> Any:
        state, resource = _decoded(request.current_state), RESOURCES[request.type_name]
        response = pb.ReadResource.Response(new_state=request.current_state, private=request.private)
        with _reported(response, f"reading {_named(resource, state)}"):
            response.new_state.CopyFrom(_encoded(resource.refreshed(self._session(context), state)))
        return response

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        prior, proposed, config = map(_decoded, (request.prior_state, request.proposed_new_state, request.config))
        response = pb.PlanResourceChange.Response(
            planned_state=request.proposed_new_state, planned_private=request.prior_private, legacy_type_system=True
        )
        if proposed is None:
            return response
        resource = RESOURCES[request.type_name]
        with _reported(response, f"planning {_named(resource, config)}"):
            planned, replacing = plan(resource, self._session(context), prior, config)
            response.planned_state.CopyFrom(_encoded(planned))
            for name in replacing:
                response.requires_replace.add(steps=[pb.AttributePath.Step(attribute_name=name)])
        return response

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        prior, planned = _decoded(request.prior_state), _decoded(request.planned_state)
        response = pb.ApplyResourceChange.Response(
            new_state=request.prior_state, private=request.planned_private, legacy_type_system=True
        )
        resource = RESOURCES[request.type_name]
        verb = "creating" if prior is None else "deleting" if planned is None else "updating"
        with _reported(response, f"{verb} {_named(resource, planned or prior)}"):
            try:
                state = _applied(resource, self._session(context), prior, planned)
            except HalfDone as error:
                response.new_state.CopyFrom(_encoded(error.state))
                raise
            response.new_state.CopyFrom(_encoded(state))
        return response

    def ImportResourceState(self, request: Any, context: Any) -> Any:
        response = pb.ImportResourceState.Response()
        resource = RESOURCES[request.type_name]
        with _reported(response, f"importing {resource.title} ({request.id})"):
            state = resource.imported(self._session(context), request.id)
            response.imported_resources.add(type_name=request.type_name, state=_encoded(state))
        return response

    def MoveResourceState(self, request: Any, context: Any) -> Any:
        response = pb.MoveResourceState.Response()
        response.diagnostics.add(severity=pb.Diagnostic.ERROR, summary="the stand-in moves no state between types")
        return response

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        response = pb.ReadDataSource.Response()
        config = _decoded(request.config)
        with _reported(response, f"reading {request.type_name}"):
            block = load_schema()["data_sources"][request.type_name]
            session = self._session(context)
            if "region" in block["attributes"] and config["region"] is None:
                config["region"] = session.region
            for name, value in DATA_SOURCES[request.type_name](session, config).items():
                if name in block["attributes"]:
                    config[name] = shaped(block["attributes"][name]["type"], value)
            response.state.CopyFrom(_encoded(config))
        return response

    def GetFunctions(self, request: Any, context: Any) -> Any:
        return pb.GetFunctions.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:
        self._stopped.add(context.peer())
        return pb.StopProvider.Response()

    def _session(self, context: Any) -> Session:
        session = self._sessions.get(context.peer())
        if session is None:
            raise Refused("the provider is not configured")
        here.is_active = lambda: context.is_active() and context.peer() not in self._stopped
        return session


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):
    def Shutdown(self, request: Any, context: Any) -> Any:
        return grpc_controller_pb2.Empty()


class _Stdio(grpc_stdio_pb2_grpc.GRPCStdioServicer):
    def StreamStdio(self, request: Any, context: Any) -> Iterator[Any]:
        return iter(())


_CAPABILITIES = pb.ServerCapabilities(get_provider_schema_optional=True)


def _configured(endpoint: str, credentials: Mapping[str, str], config: Object) -> Session:
    if not endpoint:
        raise Refused(f"{NO_AWS}; it works only with the endpoint of a local emulator")
    if not config["region"] or is_unknown(config["region"]):
        raise Refused("invalid AWS Region: the provider has none")
    default_tags: dict[str, str] = {}
    for block in config["default_tags"]:
        default_tags |= block["tags"] or {}
    attempts = int(config["max_retries"] or ATTEMPTS)
    session = Session(endpoint, config["region"], credentials, default_tags, attempts)
    for role in config["assume_role"]:
        session = session.assumed(role)
    allowed, forbidden = config["allowed_account_ids"], config["forbidden_account_ids"]
    if (allowed and session.account not in allowed) or session.account in (forbidden or ()):
        raise Refused(f"AWS account ID not allowed: {session.account}")
    return session


def _applied(resource: Resource, session: Session, prior: Object | None, planned: Object | None) -> Object | None:
    if planned is None:
        resource.deleted(session, prior or {})
        return None
    if prior is None:
        return resource.created(session, planned)
    return resource.updated(session, prior, planned)


@contextlib.contextmanager
def _reported(response: Any, doing: str) -> Iterator[None]:
    """Turns what goes wrong into a diagnostic of the response."""
    try:
        yield
    except (Refused, AwsError, HalfDone) as error:
        response.diagnostics.add(severity=pb.Diagnostic.ERROR, summary=f"{doing}: {error}")
    except Exception as error:  # Terraform would say no more than that the plugin failed
        import traceback

        text = traceback.format_exc(limit=-4, chain=False)
        response.diagnostics.add(
            severity=pb.Diagnostic.ERROR, summary=f"{doing}: {error!r}", detail=f"{NO_AWS}\n{text}"
        )


def _named(resource: Resource, object: Object) -> str:
    label = next((str(object[name]) for name in _LABELS if isinstance(object.get(name), str)), "")
    return f"{resource.title} ({label})" if label else resource.title


def _decoded(value: Any) -> Any:
    return msgpack.unpackb(value.msgpack) if value.msgpack else json.loads(value.json or "null")


def _encoded(value: Object | None) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(value))


@functools.cache
def _provider_schema() -> Any:
    schema = load_schema()
    return pb.GetProviderSchema.Response(
        server_capabilities=_CAPABILITIES,
        provider=pb.Schema(version=0, block=_block(schema["provider"])),
        resource_schemas={name: pb.Schema(block=_block(schema["resources"][name])) for name in RESOURCES},
        data_source_schemas={name: pb.Schema(block=_block(schema["data_sources"][name])) for name in DATA_SOURCES},
    )


def _block(block: Block) -> Any:
    return pb.Schema.Block(
        attributes=[
            pb.Schema.Attribute(
                name=name,
                type=json.dumps(attribute["type"]).encode(),
                **dict.fromkeys(attribute["is"].split(), True),
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
