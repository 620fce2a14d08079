"""The one entry to the engine, in process and under the server."""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from guardhouse.classifier.base import Classifier
from guardhouse.classifier.load import load_classifier
from guardhouse.detectors.base import Configurable, Detector, Evidence
from guardhouse.engine.catalog import builtin_recipes
from guardhouse.engine.collect import collect, judged_texts
from guardhouse.engine.decide import Thresholds, decide_action
from guardhouse.engine.explain import explain
from guardhouse.engine.pictures import Painting, image_texts, judged_images, read_images, with_failed_painting
from guardhouse.engine.plan import IMAGE, Plan, build_plan, overrides_key
from guardhouse.engine.policy import resolve_policy
from guardhouse.engine.redacting import REDACTION_RECIPE, redacted_content, redaction_overrides
from guardhouse.engine.run import Run, fail_plan, gather_evidence, run_plan, skip_plan
from guardhouse.engine.timing import Stopwatch
from guardhouse.errors import Blocked, ConfigurationError, DeadlineExceeded, InvalidInput, UnknownRecipe
from guardhouse.images.reader import ImageReader
from guardhouse.images.reading import ImageReading
from guardhouse.matching.matcher import Matcher
from guardhouse.matching.pattern import Pattern
from guardhouse.model.codec import overrides_from_dict, rules_from_data
from guardhouse.model.conversation import Conversation, Role, SourceText
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Evaluation, Outcome
from guardhouse.model.messages import conversation_from_messages, conversation_from_text
from guardhouse.model.policy import (
    Blocking,
    EffectivePolicy,
    FailMode,
    Policy,
    PolicySnapshot,
    Scope,
    SensitiveData,
)
from guardhouse.model.recipe import REDACTING, DetectorSetting, Overrides, Recipe, Rule, RuleAction
from guardhouse.model.redacted import RedactedContent
from guardhouse.model.request import EvaluationRequest
from guardhouse.plugins import collect_detectors, collect_operators, load_plugins
from guardhouse.redaction.context import Context, merge_contexts, read_context
from guardhouse.redaction.keys import KeyRing, load_key_ring
from guardhouse.redaction.redact import Done, Redacted, redact, unredacted
from guardhouse.redaction.session import Session
from guardhouse.redaction.unredact import Restorer, Unredactor
from guardhouse.settings import Settings

_WARM_UP: tuple[dict[str, Any], ...] = (
    {
        "role": "assistant",
        "content": "Call +1 415 555 0132 or write to ana@example.org, see http://example.org/a, 4111 1111 1111 1111.",
        "tool_calls": [{"id": "1", "function": {"name": "sh", "arguments": '{"command": "ls", "q": "SELECT 1"}'}}],
    },
)
_MATCHERS_KEPT = 16
_PLANS_KEPT = 64


class Guard:
    """Judges conversations. Needs no server, no store and no network; safe to share between threads.

    `recipes` and `policies` are the operator's own, beside the built-in recipes; `redaction_key` is a key ring, or one
    key of 32 bytes; without it the setting's, else a key that lives as long as the guard. `detectors`, `classifier`,
    `clock` and `new_id` replace the loaded ones (for tests and plug-in authors). Creating one is cheap: the model and
    the patterns load on first use, or with `load()`.
    """

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        recipes: Iterable[Recipe] = (),
        policies: Mapping[Scope, Policy] | None = None,
        detectors: Iterable[Detector] | None = None,
        classifier: Classifier | None = None,
        redaction_key: KeyRing | bytes | None = None,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._settings = settings or Settings()
        manager = load_plugins(installed=self._settings.plugins)
        self.operators = collect_operators(manager)
        self.detectors = (
            collect_detectors(manager) if detectors is None else {detector.name: detector for detector in detectors}
        )
        for detector in self.detectors.values():
            if settings is not None and isinstance(detector, Configurable):
                detector.configure(settings)
        self._classifier = classifier
        if isinstance(redaction_key, bytes):
            redaction_key = KeyRing({1: redaction_key})
        self._key_ring = redaction_key or load_key_ring(None, self._settings.redaction_key)
        self._images = ImageReader(self._settings) if self._settings.read_images else None
        self._clock = clock
        self._new_id = new_id
        self._lock = threading.Lock()
        self._shared: Matcher | None = None
        self._plans: OrderedDict[tuple[int, SensitiveData | None, Hashable], tuple[Recipe, Plan]] = OrderedDict()
        self._own_matchers: OrderedDict[tuple[Pattern, ...], Matcher] = OrderedDict()
        own = {recipe.name: recipe for recipe in recipes}
        self.snapshot = PolicySnapshot(0, dict(policies or {}), {**builtin_recipes(), **own})

    def evaluate(
        self,
        content: str | Sequence[Mapping[str, Any]],
        *,
        recipe: str | None = None,
        service: str | None = None,
        env: str | None = None,
        role: str = "user",
        overrides: Overrides | Mapping[str, Any] | None = None,
        block: bool = False,
        conversation_id: str = "",
        fpe_context: str | None = None,
    ) -> Evaluation:
        """Judge one text, or the last turn of a list of chat messages.

        `role` says who speaks a single text. `overrides` may be a plain dict (see `docs/recipes.md`).
        `conversation_id` and the `fpe_context` of the answer before keep the same replacements for the same values.
        Raises `InvalidInput` for what cannot be read, and with `block=True` `Blocked` when the verdict is to be acted
        on.
        """
        if isinstance(content, str):
            if role not in set(Role):
                raise InvalidInput(f"role must be one of: {', '.join(Role)}", path=("role",), code="not_in_enum")
            conversation = conversation_from_text(content, role=Role(role))
        else:
            conversation = conversation_from_messages(content)
        if overrides is not None and not isinstance(overrides, Overrides):
            overrides = overrides_from_dict(overrides)
        request = EvaluationRequest(
            conversation,
            scope=Scope(service, env),
            recipe=recipe,
            overrides=overrides,
            dialect="library",
            conversation_id=conversation_id,
            fpe_context=fpe_context,
        )
        evaluation = self.judge(request, self.snapshot)
        if block and evaluation.blocked:
            raise Blocked(evaluation)
        return evaluation

    def redact(
        self,
        content: str | Sequence[Mapping[str, Any]],
        *,
        action: str | RuleAction | None = None,
        parameters: Mapping[str, Any] | None = None,
        kinds: Sequence[str] | None = None,
        rules: Mapping[str, Any] | None = None,
        recipe: str = REDACTION_RECIPE,
        service: str | None = None,
        env: str | None = None,
        conversation_id: str = "",
        fpe_context: str | None = None,
    ) -> RedactedContent:
        """One text, or all of a list of chat messages, with what is sensitive taken out.

        `action` is one that edits (`docs/recipes.md`), with its `parameters`; without it the recipe's own count.
        `kinds` are the only ones that are looked for, the recipe's own entities and plug-ins' among them. `rules` give
        single kinds an action of their own, as in a recipe. Raises `InvalidInput`.
        """
        messages = None if isinstance(content, str) else list(content)
        conversation = (
            conversation_from_text(content)
            if isinstance(content, str)
            else conversation_from_messages(messages, judge_all=True)
        )
        if recipe not in self.snapshot.recipes:
            raise UnknownRecipe(recipe)
        request = EvaluationRequest(
            conversation,
            scope=Scope(service, env),
            recipe=recipe,
            overrides=redaction_overrides(
                self.detectors,
                recipe=self.snapshot.recipes[recipe],
                action=action,
                parameters=parameters,
                kinds=kinds,
                rules=rules_from_data(rules or {}, ("rules",)),
            ),
            dialect="library",
            conversation_id=conversation_id,
            fpe_context=fpe_context,
        )
        return redacted_content(content if messages is None else messages, self.judge(request, self.snapshot))

    def unredact(self, data: Any, fpe_context: object, *, service: str | None = None) -> Any:
        """`data` (a text or any JSON document) with the originals of a redaction put back wherever they are quoted.

        `service` is the one that the redaction was made for. Raises `InvalidContext` for a context that is none, was
        changed, or belongs to another key or service.
        """
        return self.restorer(fpe_context, service=service).document(data)

    def originals(self, fpe_context: object, *, service: str | None = None) -> dict[str, str]:
        """Every original that the context can give, by what was put in its place. Raises `InvalidContext`."""
        return self.restorer(fpe_context, service=service).originals()

    def restorer(self, fpe_context: object, *, service: str | None = None) -> Restorer:
        """What both work with; it also says afterwards what it gave out. Raises `InvalidContext`."""
        return Restorer(read_context(fpe_context, self._key_ring, service or ""))

    def unredactor(self, fpe_context: str | Sequence[str], *, service: str | None = None) -> Unredactor:
        """The same for a text that comes in pieces, under any number of contexts. Raises `InvalidContext`."""
        texts = [fpe_context] if isinstance(fpe_context, str) else fpe_context
        contexts = [read_context(text, self._key_ring, service or "") for text in texts]
        if not contexts:
            return Unredactor(Context(self._key_ring.current_for(service or ""), "", []))
        return Unredactor(contexts[0] if len(contexts) == 1 else merge_contexts(contexts))

    def judge(
        self,
        request: EvaluationRequest,
        snapshot: PolicySnapshot,
        *,
        policy: EffectivePolicy | None = None,
        used_s: float = 0.0,
    ) -> Evaluation:
        """The evaluation of `request` under one snapshot; `policy` saves resolving it again. Linear in the texts.

        `used_s` is how much of the deadline is used up already.

        Raises `UnknownRecipe`, and `InvalidInput` for overrides that make no sense. Failures of detectors do not
        raise: they are outcomes, and the fail mode decides.
        """
        watch = Stopwatch(self._clock)
        policy = policy or resolve_policy(snapshot, request.scope)
        plan = self._plan(request, snapshot, policy)
        tenant = request.scope.service or ""
        earlier = None if request.fpe_context is None else read_context(request.fpe_context, self._key_ring, tenant)
        thresholds = Thresholds(request.sensitivity, policy.sensitivity)
        self._shared_matcher()  # a first call compiles it: that is not this text's time
        deadline = time.monotonic() + self._settings.deadline_s - used_s
        parts = judged_images(request.conversation)
        images: tuple[ImageReading, ...] = ()
        if parts and plan.reads_images and not request.denied:
            plan = plan.for_images()
            began = time.monotonic()
            with watch.stage("images"):
                images = read_images(self._images, parts, until=began + self._settings.image_deadline_s)
            deadline += time.monotonic() - began  # pictures have time of their own, texts are left theirs
        texts = judged_texts(request.conversation)
        sources = (*texts, *image_texts(request.conversation, images))
        run = self._run(plan, sources, images, request, policy, thresholds, watch, deadline)
        targets = [target for decision in run.decisions for target in decision.targets]
        with watch.stage("redact"):
            if earlier is None and not any(target.rule.action in REDACTING for target in targets):
                redacted = unredacted(targets)  # most texts: no keys need to be derived
            else:
                session = Session(
                    self._key_ring.current_for(tenant),
                    conversation_id=request.conversation_id or request.log_fields.session,
                    earlier=earlier,
                    texts=[source.value for source in texts],
                )
                redacted = redact(texts, targets, operators=self.operators, session=session)
            if len(sources) > len(texts) and self._images is not None:
                painting = Painting(self._images, parts, images, deadline=deadline)
                redacted, unpainted = painting.add_to(redacted, targets)
                run = with_failed_painting(run, unpainted) if unpainted else run
        reports = _with_replacements([decision.report for decision in run.decisions], redacted)
        return self._evaluation(request, policy, plan, run, reports, redacted, sources, watch)

    def reads_images(self, conversation: Conversation) -> bool:
        """True when judging takes as long as reading images does, though a recipe or a request may not want it."""
        return self._images is not None and bool(judged_images(conversation))

    def close(self) -> None:
        """End the process that reads images, if there is one. A guard that is used again starts another."""
        if self._images is not None:
            self._images.close()

    def check_recipe(self, recipe: Recipe) -> None:
        """Raise `InvalidInput` (with its path) when the recipe cannot be run by this guard."""
        self._built_plan(recipe, None, None)

    def load(self) -> None:
        """Load the model, the patterns and what detectors load late, now rather than at the first evaluation."""
        self._shared_matcher()
        self._loaded_classifier()
        for recipe in self.snapshot.recipes.values():
            if all(setting.detector in self.detectors for setting in recipe.detectors):
                self.evaluate(_WARM_UP, recipe=recipe.name)

    @property
    def classifier_name(self) -> str:
        """Name and version of the loaded model; loads it."""
        return self._loaded_classifier().name

    def _plan(self, request: EvaluationRequest, snapshot: PolicySnapshot, policy: EffectivePolicy) -> Plan:
        name = request.recipe or policy.recipe or request.default_recipe
        recipe = request.inline_recipe or snapshot.recipes.get(name)
        if recipe is None:
            if request.recipe is None:
                raise ConfigurationError(f"the policy names a recipe that does not exist: {name!r}")
            raise UnknownRecipe(name)
        # A recipe that the caller names says itself what is done about sensitive data; the policy speaks for the rest.
        named = request.recipe or request.inline_recipe
        sensitive_data = request.sensitive_data or (None if named else policy.sensitive_data)
        if request.overrides is None:
            return self._kept_plan(recipe, sensitive_data)
        if not request.overrides.ignore_recipe:
            self._kept_plan(recipe, sensitive_data)  # what is wrong with the recipe alone is not the caller's mistake
        try:
            key = overrides_key(request.overrides)
            if key is None:
                return self._built_plan(recipe, request.overrides, sensitive_data)
            return self._kept_plan(recipe, sensitive_data, request.overrides, key)
        except InvalidInput as error:
            error.path = ("overrides", *error.path)
            raise

    def _built_plan(self, recipe: Recipe, overrides: Overrides | None, sensitive_data: SensitiveData | None) -> Plan:
        return build_plan(
            recipe,
            overrides,
            sensitive_data,
            detectors=self.detectors,
            operators=self.operators,
            shared=self._shared_patterns,
        )

    def _kept_plan(
        self,
        recipe: Recipe,
        sensitive_data: SensitiveData | None,
        overrides: Overrides | None = None,
        changes: Hashable = None,
    ) -> Plan:
        """The plan of a recipe, kept while this very recipe value lives on in snapshots.

        `changes` is the key of the overrides. Raises `InvalidInput` for these, `ConfigurationError` for the recipe.
        """
        key = (id(recipe), sensitive_data, changes)
        with self._lock:
            kept = self._plans.get(key)
            if kept is not None and kept[0] is recipe:
                self._plans.move_to_end(key)
                return kept[1]
        try:
            plan = self._built_plan(recipe, overrides, sensitive_data)
        except InvalidInput as error:
            if overrides is not None:
                raise
            # The operator's mistake, never this caller's.
            raise ConfigurationError(f"the recipe {recipe.name!r} cannot be run: {error}") from error
        with self._lock:
            self._plans[key] = (recipe, plan)
            while len(self._plans) > _PLANS_KEPT:
                self._plans.popitem(last=False)
        return plan

    def _run(
        self,
        plan: Plan,
        sources: Sequence[SourceText],
        images: tuple[ImageReading, ...],
        request: EvaluationRequest,
        policy: EffectivePolicy,
        thresholds: Thresholds,
        watch: Stopwatch,
        deadline: float,
    ) -> Run:
        def collected() -> Evidence:
            if time.monotonic() > deadline:
                raise DeadlineExceeded("the evaluation's time was used up")
            texts = collect(
                sources,
                matchers=self._matchers(plan.own_patterns),
                patterns=plan.pattern_ids,
                classifier=self._loaded_classifier() if plan.heads else None,
                heads=plan.heads,
                deadline=deadline,
                watch=watch,
            )
            return Evidence(
                conversation=request.conversation,
                texts=texts,
                tool_policies=request.tool_policies or policy.tool_policies,
                evaluation_context=policy.evaluation_context,
                deadline=deadline,
                images=images,
            )

        if request.denied:
            return skip_plan(plan, "the request was refused before")
        evidence = gather_evidence(collected)
        if isinstance(evidence, str):
            return fail_plan(plan, evidence)
        with watch.stage("detect"):
            return run_plan(plan, evidence, thresholds)

    def _evaluation(
        self,
        request: EvaluationRequest,
        policy: EffectivePolicy,
        plan: Plan,
        run: Run,
        reports: Sequence[DetectorReport],
        redacted: Redacted,
        sources: Sequence[SourceText],
        watch: Stopwatch,
    ) -> Evaluation:
        blocking = policy.blocking or request.default_blocking
        fail_mode = policy.fail_mode or (FailMode.CLOSED if blocking is Blocking.BLOCK else FailMode.OPEN)
        action = max(
            decide_action(reports, run.failed_required, fail_mode), Action.DENY if request.denied else Action.ALLOW
        )
        confidences: dict[str, float] = {}
        thresholds: dict[str, float] = {}
        for decision in run.decisions:
            for kind, confidence in decision.confidences.items():
                confidences[kind] = max(confidences.get(kind, 0.0), confidence)
                thresholds.setdefault(kind, decision.thresholds[kind])
        reason = explain(
            action,
            reports,
            {source.path: source for source in sources},
            failed_required=run.failed_required,
            fail_mode=fail_mode,
        )
        if request.denied:
            reason = f"Denied: {request.denied}."
        blocked = action > 0 and blocking is Blocking.BLOCK
        images = self._image_report(request, plan)
        return Evaluation(
            id=self._new_id(),
            action=action,
            reason=reason,
            blocked=blocked,
            blocking_enabled=blocking is Blocking.BLOCK,
            recipe=plan.recipe,
            reports=(*reports, *images),
            confidences=confidences,
            thresholds=thresholds,
            redactions=redacted.redactions,
            texts=redacted.texts,
            timings_ms=watch.readings(),
            policy_revision=policy.revision,
            fpe_context=redacted.context,
        )

    def _image_report(self, request: EvaluationRequest, plan: Plan) -> tuple[DetectorReport, ...]:
        """Images that nobody reads are said to be unread."""
        if plan.reads_images or not judged_images(request.conversation):
            return ()
        detail = "images are not to be read" if IMAGE in self.detectors else "images are not read"
        return (DetectorReport(IMAGE, Outcome.NOT_EXECUTED, detail=detail),)

    def _loaded_classifier(self) -> Classifier:
        if self._classifier is None:
            with self._lock:
                if self._classifier is None:
                    self._classifier = load_classifier(cache_entries=self._settings.cache_entries)
        return self._classifier

    @cached_property
    def _shared_patterns(self) -> Mapping[str, Pattern]:
        """The patterns that every detector always has, by id."""
        standard = [DetectorSetting(name, Rule(RuleAction.REPORT)) for name in self.detectors]
        return {
            pattern.id: pattern
            for setting in standard
            for pattern in self.detectors[setting.detector].needs(setting).patterns
        }

    def _shared_matcher(self) -> Matcher:
        """One matcher over the shared patterns."""
        if self._shared is None:
            patterns = self._shared_patterns
            with self._lock:
                if self._shared is None:
                    self._shared = Matcher(list(patterns.values()))
        return self._shared

    def _matchers(self, own: tuple[Pattern, ...]) -> list[Matcher]:
        """The shared matcher, and one for the patterns of operators, kept for the next request with the same."""
        shared = self._shared_matcher()
        if not own:
            return [shared]
        with self._lock:
            matcher = self._own_matchers.get(own)
            if matcher is None:
                matcher = self._own_matchers[own] = Matcher(own)
                while len(self._own_matchers) > _MATCHERS_KEPT:
                    self._own_matchers.popitem(last=False)
            self._own_matchers.move_to_end(own)
        return [shared, matcher]


def _with_replacements(reports: Sequence[DetectorReport], redacted: Redacted) -> list[DetectorReport]:
    """The reports with what was done about each finding; targets and findings are in the same order."""
    done = iter(redacted.done)
    return [
        replace(report, findings=tuple(_with_replacement(applied, next(done)) for applied in report.findings))
        for report in reports
    ]


def _with_replacement(applied: AppliedFinding, done: Done | None) -> AppliedFinding:
    return applied if done is None else replace(applied, replacement=done.replacement, action=done.action)
