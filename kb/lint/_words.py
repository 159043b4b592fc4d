"""Word lists that the rules on wording share."""

from __future__ import annotations

_VERBS = """
accept act add admit adopt agree aim alert align allow announce archive arrange ask assess assign assume attach audit authenticate
automate avoid back backtest balance ban base batch be begin bill bind block bound bring budget build buy calculate call cap capture carry
catch chart check choose clarify clean close collect commission commit compare complete compute confirm connect consider consult contain
control copy count cover create cross-check cut date deal decide declare deduplicate define delay delete deliver demand deploy design
detect determine develop disable discuss distribute divide do document draw drill drop encourage encrypt end enforce ensure estimate
evaluate examine exercise expect explain expose fail fill filter find finish fix follow force forecast freeze fund gather generate get
give go grow guard handle have hold identify ignore include increase inform insist inspect install introduce invest invite involve isolate
join keep know label launch lay learn leave let limit link list listen load lock log look lower maintain make manage map mark match
measure meet mend migrate model monitor move name negotiate never nominate note notify observe offer open order own pair pass pause pay
pilot pin place plan point practise prefer prepare preserve prevent price probe promise protect prove provide publish pull push put
question quote raise reach read reconcile record reduce refuse rehearse reject release remember remove rename repair repeat replace report
require rerun reserve resist restart restore retain retire return review revise reward rewrite roll rotate run sample scan schedule search
secure see seek select send separate serve set settle share ship show shrink sign simplify simulate size speak spell split spread stage
start state stay stop store stress-test switch take talk teach tell test think throttle tie time trace track train treat trial try turn
understand unit-test update upgrade use validate value verify version visit wait walk warn watch weigh widen withdraw work write
"""
IMPERATIVES = frozenset(_VERBS.split())
"""Verbs that begin a piece of advice."""
