"""What the headings of post-mortems mean: the alias table that every importer of prose shares."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz, process


class Place(NamedTuple):
    """Where a section goes."""

    target: str
    """A field of `Record`, or `kept`: not for a case, but not to be lost."""
    label: bool = False
    """Whether the heading says more than the section of the case does, so that it stays beside the text."""


_TABLE: dict[Place, str] = {
    Place("story"): (
        "summary, overview, incident summary, executive summary, tl dr, tldr, tl;dr, issue summary, brief description, "
        "what happened, synopsis, abstract, description, incident description, narrative, in short, in brief, "
        "postmortem summary, outage summary, summary of the incident, problem summary, problem description, problem statement, "
        "incident overview, story, zusammenfassung, kurzbeschreibung, was ist passiert, überblick, beschreibung, résumé, "
        "resume, synthèse, description de l'incident, que s'est-il passé, resumen, descripción, qué pasó, resumo, "
        "o que aconteceu, riepilogo, sommario, cosa è successo, samenvatting, wat is er gebeurd, sammendrag, opsummering, "
        "sammanfattning, yhteenveto, podsumowanie, резюме, краткое описание, что произошло, 概要, 摘要, 总结, 概述, 事件概述, "
        "요약"
    ),
    Place("story", label=True): (
        "leadup, lead up, background, context, chain of events, history, setting the scene, sequence of events, detection, "
        "detection and response, detection and signals, how was the incident detected, discovery, how we found out, "
        "identification, resolution, response, recovery, mitigation, mitigation and resolution, root cause and resolution, "
        "remediation steps taken, incident response, incident response analysis, post incident analysis, technical details, "
        "technical analysis, investigation, analysis, incident analysis, deep dive, details, current status, workaround, "
        "restoration, containment, fix, solution, remedy, how we fixed it, what we did, immediate actions, "
        "resolution and recovery, driving event, event description, what went well, what worked well, what worked, went well, "
        "what went right, successes, good things, things that went well, positives, recurrence, communication, communications, "
        "communication timeline, evidence of recurrence control effectiveness, hintergrund, vorgeschichte, erkennung, "
        "entdeckung, behebung, lösung, wiederherstellung, was lief gut, analyse, contexte, détection, résolution, "
        "rétablissement, ce qui a bien fonctionné, contexto, antecedentes, detección, resolución, recuperación, "
        "qué salió bien, detecção, resolução, rilevamento, risoluzione, achtergrond, detectie, oplossing, herstel, baggrund, "
        "løsning, предыстория, обнаружение, решение, восстановление, 背景, 检测, 检测过程, 解决, 解决方案, 处理过程, 対応, "
        "検知, 復旧, 배경, 탐지, 해결"
    ),
    Place("impact"): (
        "impact, customer impact, end user impact, user impact, infrastructure impact, productivity impact, summary of impact, "
        "impact and metrics, metrics, business impact, impact assessment, impact analysis, service impact, effects, effect, "
        "consequences, damage, blast radius, scope of impact, affected services, who was affected, what was affected, cost, "
        "costs, losses, financial impact, auswirkung, auswirkungen, folgen, schaden, conséquences, impacto, consecuencias, "
        "consequências, impatto, conseguenze, gevolgen, konsekvens, konsekvenser, påvirkning, påverkan, последствия, влияние, "
        "影响, 影响范围, 影響, 影響範囲, 영향"
    ),
    Place("symptoms"): (
        "symptoms, signs, early signs, early warning signs, warning signs, early warnings, observed symptoms, red flags, "
        "indicators, signals, anzeichen, symptome, warnzeichen, symptômes, síntomas, sintomas, sintomi, symptomen, симптомы, "
        "症状, 现象, 故障现象, 증상"
    ),
    Place("factors"): (
        "root cause, root causes, root cause analysis, rca, what were the root causes, what caused the incident, "
        "what caused it, five whys, 5 whys, 5 why, five why, the five whys, root cause identification, "
        "root cause identification the five whys, fault, faults, root cause and mitigation, contributing factors, "
        "contributing factor, contributing conditions, contributing causes, process breakdown, process breakdowns, cause, "
        "causes, causal factors, causal analysis, why it happened, why did it happen, why, underlying cause, "
        "underlying causes, proximate cause, direct cause, cause of the incident, cause of failure, failure analysis, reasons, "
        "reason, reason for outage, cause analysis, problem cause, causes of failure, why it failed, reasons for failure, "
        "why we failed, ursache, ursachen, grundursache, hauptursache, ursachenanalyse, beitragende faktoren, gründe, "
        "cause racine, causes racines, cause profonde, causes profondes, facteurs contributifs, facteurs, causa raíz, "
        "causas raíz, causa, causas, factores contribuyentes, análisis de causa raíz, causa raiz, fatores contribuintes, "
        "causa principale, cause radice, fattori contribuenti, oorzaak, oorzaken, hoofdoorzaak, årsag, årsager, orsak, "
        "orsaker, årsak, причина, причины, первопричина, корневая причина, 原因, 根本原因, 根因, 原因分析, 根因分析, "
        "根本原因分析, 원인, 근본 원인"
    ),
    Place("factors", label=True): (
        "trigger, triggers, triggering event, auslöser, déclencheur, desencadenante, gatilho, aanleiding, триггер, 触发原因, トリガー"
    ),
    Place("lessons"): (
        "lessons learned, lessons learnt, lessons, lesson, lesson learned, lesson s learned, learnings, key learnings, "
        "key takeaways, takeaways, what we learned, what did we learn, what have we learned, learning, learning points, "
        "what went wrong, what went badly, what went poorly, what didn t go so well, what did not go well, "
        "what didn t go well, what could improve, what could be improved, what could have gone better, what can we improve, "
        "things that went poorly, how d we do, how did we do, retrospective, reflections, improvements identified, insights, "
        "what we would do differently, what would we do differently, went wrong, went badly, what didn t work, lehren, "
        "gelernte lektionen, erkenntnisse, was lief schlecht, was haben wir gelernt, leçons apprises, leçons, enseignements, "
        "leçons tirées, ce qui a mal fonctionné, lecciones aprendidas, lecciones, aprendizajes, qué salió mal, "
        "lições aprendidas, lições, aprendizados, lezioni apprese, lezioni, geleerde lessen, lessen, geleerd, læring, "
        "erfaringer, lærdomme, lärdomar, уроки, извлеченные уроки, выводы, 经验教训, 教训, 经验总结, 教訓, 学び, 교훈"
    ),
    Place("lessons", label=True): "where we got lucky, got lucky, lucky, luck, where did we get lucky, wo wir glück hatten",
    Place("prevention"): (
        "action items, actions, action item, action items and followups, action items and follow ups, action plan, "
        "corrective actions, corrective action, corrective and preventative measures, corrective and preventive measures, "
        "corrective and preventive actions, capa, preventive actions, preventative actions, preventive measures, "
        "preventative measures, next steps, backlog check, prevention, follow up, follow ups, followups, followup, "
        "follow up actions, follow up items, follow up tasks, followup tasks, remediation, remediations, remediation items, "
        "remediation plan, improvements, planned improvements, recommendations, recommendation, todo, todos, to do, tasks, "
        "tickets, repair items, what we are doing about it, what are we doing about it, what we re doing, future actions, "
        "future work, future prevention, how do we prevent this, how will we prevent this, how to prevent this, "
        "preventing recurrence, prevention of recurrence, measures, mitigations, countermeasures, improvement actions, "
        "changes, changes made, jira tickets, next actions, long term fixes, short term fixes, maßnahmen, massnahmen, "
        "korrekturmaßnahmen, nächste schritte, prävention, vorbeugung, empfehlungen, verbesserungen, aufgaben, "
        "actions correctives, plan d'action, plan d actions, actions à mener, prochaines étapes, prévention, recommandations, "
        "acciones, acciones correctivas, acciones preventivas, plan de acción, próximos pasos, prevención, recomendaciones, "
        "ações, ações corretivas, plano de ação, próximos passos, prevenção, recomendações, azioni correttive, azioni, "
        "prossimi passi, prevenzione, acties, actiepunten, maatregelen, vervolgstappen, preventie, aanbevelingen, handlinger, "
        "næste skridt, forebyggelse, åtgärder, tiltak, действия, план действий, меры, предотвращение, рекомендации, 改进措施, "
        "行动项, 后续行动, 预防措施, 整改措施, 再発防止, 再発防止策, 対策, アクションアイテム, 今後の対応, 조치 사항, 재발 방지"
    ),
    Place("timeline"): (
        "timeline, incident timeline, incident timing, timeline of events, event timeline, detailed timeline, chronology, "
        "time line, timeline utc, timelines, log of events, event log, key events, zeitachse, zeitlicher ablauf, zeitverlauf, "
        "ablauf, chronologie, chronologie des événements, déroulement, frise chronologique, cronología, línea de tiempo, "
        "línea temporal, cronologia, linha do tempo, linea temporale, tijdlijn, tidslinje, хронология, таймлайн, "
        "хронология событий, 时间线, 事件经过, 时间轴, タイムライン, 経緯, 時系列, 타임라인"
    ),
    Place("undertaking"): (
        "undertaking, project description, project overview, project summary, objective, objectives, goal, goals, "
        "project goals, purpose, scope, project scope, what we tried, what we were trying to do, what we set out to do, "
        "the project, project background, what was attempted, ziel, ziele, projektbeschreibung, vorhaben, objectif, objectifs, "
        "objetivo, objetivos, obiettivo, doel, formål, цель"
    ),
    Place("kept"): (
        "attendees, atendees, participants, responders, status, authors, author, messaging, supporting information, appendix, "
        "appendices, guidelines, stats, statistics, date, dates, owner, owners, postmortem owner, post mortem owner, "
        "meeting scheduled for, call recording, links, references, related, related incidents, glossary, metadata, tags, "
        "labels, severity, priority, reviewers, review, approval, sign off, document history, revision history, "
        "change history, contacts, stakeholders, roles, team, teams, incident commander, duration, people, "
        "external references, resources, further reading, see also, contents, table of contents, acknowledgements, "
        "acknowledgments, credits, notes, internal email, external message, incident details, incident information, "
        "incident data, key facts, at a glance, general information, teilnehmer, beteiligte, anhang, anlagen, participantes, "
        "anexo, anexos, annexe, annexes, deelnemers, bijlage, deltagere, bilag, участники, приложение, 参与人员, 附录, "
        "相关人员, 参加者, 付録"
    ),
}
_LOOSE = {
    "incident",
    "post",
    "mortem",
    "postmortem",
    "our",
    "the",
    "a",
    "an",
    "of",
    "outage",
    "event",
    "detailed",
    "full",
    "high",
    "level",
    "brief",
}
_LOOSE |= {
    "short",
    "final",
    "initial",
    "preliminary",
    "known",
    "key",
    "main",
    "major",
    "any",
    "section",
    "and",
    "possible",
    "identified",
    "this",
    "for",
}
_PARTS = (
    ("what went well", Place("story", label=True)),
    ("went well", Place("story", label=True)),
    ("lucky", Place("lessons", label=True)),
    ("timeline", Place("timeline")),
    ("chronolog", Place("timeline")),
    ("contributing", Place("factors")),
    ("root cause", Place("factors")),
    ("lesson", Place("lessons")),
    ("learned", Place("lessons")),
    ("learnt", Place("lessons")),
    ("action item", Place("prevention")),
    ("corrective", Place("prevention")),
    ("preventive", Place("prevention")),
    ("preventative", Place("prevention")),
    ("follow up", Place("prevention")),
    ("next steps", Place("prevention")),
    ("recommendation", Place("prevention")),
    ("went wrong", Place("lessons")),
    ("warning signs", Place("symptoms")),
    ("impact", Place("impact")),
    ("summary", Place("story")),
)
"""Words that decide a heading which stands in no table, most telling first."""
_MOST_WORDS = 7
"""A longer heading is a sentence, not the name of a section."""
_TYPO = 88
_LEAST_FOR_TYPO = 6
_NUMBER = re.compile(
    r"^(?:(?:section|step|part|teil|phase)\s+)?(?:\d+(?:\.\d+)*|[ivx]{1,4}|[a-h])\s*[.):–—-]+\s*|^\d+(?:\.\d+)+\s+|^\d+\s+(?=\D)(?!whys?\b)",
    re.IGNORECASE,
)
_SHORTCODE = re.compile(r":[a-z0-9_+-]+:")
_MARKUP = re.compile(r"<[^<>]{1,200}>|\{[#.][^{}]*\}|\{\{[^{}]*\}\}|`|\*+|_{2,}|~~|\\")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_BRACKETED = re.compile(r"\s*[(（\[][^()（）\[\]]*[)）\]]\s*$")


def cleaned(heading: str) -> str:
    """Return a heading as a reader would say it: without marks, emoji, numbering and a colon at its end."""
    text = _SHORTCODE.sub(" ", _MARKUP.sub("", _LINK.sub(r"\1", heading)))
    if not text.isascii():
        text = "".join(
            " " if unicodedata.category(each) in {"So", "Sk", "Cn", "Co", "Cs"} or each in "\ufe0f\u200d\u20e3" else each for each in text
        )
    text = _NUMBER.sub("", " ".join(text.split()))
    return text.strip(" :：|=#.-–—•·>")


@lru_cache(maxsize=4096)
def normalised(heading: str) -> str:
    """Return the form in which headings are compared."""
    text = unicodedata.normalize("NFKC", cleaned(heading)).casefold().replace("&", " and ").replace("’", "'")
    text = "".join(each if each.isalnum() else " " for each in text)
    return " ".join(text.split())


_ALIASES: dict[str, Place] = {}
for _place, _names in _TABLE.items():
    for _name in _names.split(","):
        _ALIASES.setdefault(normalised(_name), _place)
_LATIN = [name for name in _ALIASES if name.isascii() and len(name) >= _LEAST_FOR_TYPO]


@lru_cache(maxsize=4096)
def place_of(heading: str) -> Place | None:
    """Return where a section with this heading goes; None when the heading tells nothing."""
    name = normalised(heading)
    for each in (name, normalised(_BRACKETED.sub("", cleaned(heading)))):
        if each in _ALIASES:
            return _ALIASES[each]
    words = name.split()
    if not words or len(words) > _MOST_WORDS:
        return None
    loose = " ".join(word for word in words if word not in _LOOSE)
    if loose in _ALIASES:
        return _ALIASES[loose]
    if len(name) >= _LEAST_FOR_TYPO and name.isascii():
        near = process.extractOne(name, _LATIN, scorer=fuzz.ratio, score_cutoff=_TYPO)
        if near and abs(len(near[0]) - len(name)) <= 2:
            return _ALIASES[near[0]]
    return next((place for part, place in _PARTS if f" {part}" in f" {name}"), None)


@lru_cache(maxsize=4096)
def exact_place_of(label: str) -> Place | None:
    """Return where a section goes whose heading is, but for marks and case, in the table: for lines that only may be headings."""
    name = normalised(label)
    return _ALIASES.get(name) or _ALIASES.get(normalised(_BRACKETED.sub("", cleaned(label))))
