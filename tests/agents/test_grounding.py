"""No statement survives that its evidence does not carry."""

from __future__ import annotations

from agents.findings import Proposal, ProposedCause
from agents.grounding import verify
from telecom.report import CausalLink, NextAction, RuledOut


def cause(managed_object="ring2", evidence_ids=("alarm:a1",)):
    return ProposedCause(
        managed_object=managed_object,
        probable_cause="configuration change",
        specific_problem="MTU lowered",
        evidence_ids=evidence_ids,
    )


def proposal(*causes, **changes):
    defaults = {
        "headline": "MTU lowered at ring2",
        "status": "confirmed",
        "root_causes": causes,
    }
    return Proposal(**{**defaults, **changes})


def test_a_cause_with_real_evidence_stands(pack) -> None:
    """DESIGN section 6: each id was returned by a tool and speaks of the element."""
    verified = verify(proposal(cause()), pack)
    assert verified.proposal.root_causes == (cause(),)
    assert verified.proposal.status == "confirmed"
    assert verified.dropped == ()


def test_invented_evidence_ids_are_dropped_and_said(pack) -> None:
    """Issue: statements with invented evidence ids are dropped."""
    verified = verify(proposal(cause(evidence_ids=("alarm:a1", "alarm:invented"))), pack)
    assert verified.proposal.root_causes[0].evidence_ids == ("alarm:a1",)
    assert "1 evidence id(s) that no tool returned" in verified.dropped[0].why


def test_a_cause_that_rests_on_inventions_alone_falls(pack) -> None:
    """Issue: no unsupported statement."""
    verified = verify(proposal(cause(evidence_ids=("alarm:x", "ticket:y"))), pack)
    assert verified.proposal.root_causes == ()
    assert verified.proposal.status == "inconclusive"
    assert "root cause" not in verified.proposal.headline.lower()


def test_an_element_that_no_finding_knows_is_no_cause(pack) -> None:
    """Issue: hostile models invent objects."""
    verified = verify(proposal(cause(managed_object="ring99")), pack)
    assert verified.proposal.root_causes == ()


def test_true_evidence_about_another_element_does_not_carry_a_cause(pack) -> None:
    """Us: a real id under a false statement is the subtler lie."""
    verified = verify(proposal(cause(managed_object="core1", evidence_ids=("alarm:a2",))), pack)
    assert verified.proposal.root_causes == ()


def test_an_inconclusive_proposal_asserts_nothing(pack) -> None:
    """INTERFACES: root_causes is empty when inconclusive; the suspicion is kept as one."""
    verified = verify(proposal(cause(), status="inconclusive"), pack)
    assert verified.proposal.root_causes == ()
    assert [item.managed_object for item in verified.proposal.ruled_out] == ["ring2"]


def link(source="ring2", target="ring3", lag=0.5, evidence_ids=("alarm:a2",)):
    return CausalLink(
        source=source,
        target=target,
        condition="mtu",
        effect="adjacency lost",
        lag_seconds=lag,
        evidence_ids=evidence_ids,
    )


def test_a_causal_link_must_follow_topology_forward_in_time(pack) -> None:
    """Issue: causal chains must follow topology or a recorded dependency in time order."""
    chain = (link(), link(target="core1"), link(lag=-60.0), link(evidence_ids=("nothing",)))
    verified = verify(proposal(cause(), causal_chain=chain), pack)
    assert verified.proposal.causal_chain == (link(),)
    assert len(verified.dropped) == 3


def test_checks_that_change_nothing_come_first(pack) -> None:
    """DESIGN section 6: next actions, read-only checks first."""
    actions = (
        NextAction(action="revert", why="it broke", read_only=False),
        NextAction(action="look", why="it may have broken", read_only=True),
    )
    verified = verify(proposal(cause(), next_actions=actions), pack)
    assert [action.action for action in verified.proposal.next_actions] == ["look", "revert"]


def test_a_ruled_out_hypothesis_must_name_a_known_element(pack) -> None:
    """Us: what is ruled out is a statement, too."""
    items = (
        RuledOut(managed_object="ring3", hypothesis="fibre cut", why="light is good"),
        RuledOut(managed_object="mars1", hypothesis="aliens", why="none seen"),
    )
    verified = verify(proposal(cause(), ruled_out=items), pack)
    assert [item.managed_object for item in verified.proposal.ruled_out] == ["ring3"]
