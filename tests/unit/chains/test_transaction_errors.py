import pytest

from chains.transaction_errors import transaction_error
from domain.codes import Code

POOLS = "swapFpHZwjELNnjvThjajtiVmkz3yPQEHjLtka2fwHW"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
BUDGET = "ComputeBudget111111111111111111111111111111"
CODES = {POOLS: {6006: Code.SLIPPAGE_EXCEEDED}}


def code_of(error: object, logs: tuple[str, ...] = (), programs: tuple[str, ...] = (BUDGET, POOLS)) -> str:
    return transaction_error(error, logs, programs=programs, custom_codes=CODES).code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("BlockhashNotFound", "blockhash_not_found"),
        ("AccountNotFound", "insufficient_funds"),
        ("InsufficientFundsForFee", "insufficient_funds"),
        ({"InsufficientFundsForRent": {"account_index": 0}}, "insufficient_funds"),
        ({"InsufficientFundsForRent": {"account_index": 3}}, "program_error"),
        ({"InstructionError": [1, "InsufficientFunds"]}, "insufficient_funds"),
        ({"InstructionError": [1, {"Custom": 6006}]}, "slippage_exceeded"),
        ({"InstructionError": [1, {"Custom": 6007}]}, "program_error"),
        ({"InstructionError": [0, {"Custom": 6006}]}, "program_error"),
        ({"InstructionError": [9, {"Custom": 6006}]}, "program_error"),
        ({"InstructionError": [1, "ComputationalBudgetExceeded"]}, "program_error"),
        ({"InstructionError": [1, {"BorshIoError": "x"}]}, "program_error"),
        ("AnErrorOfALaterVersion", "program_error"),
        ({"DuplicateInstruction": 2}, "program_error"),
        (["no", "known", "shape"], "program_error"),
    ],
)
def test_each_error_of_the_chain_has_one_of_our_codes(error: object, code: str) -> None:
    assert code_of(error) == code


def test_an_error_without_end_is_cut_and_says_so() -> None:
    endless = {"InstructionError": [1, {"Custom": 6006, "x": "\u00e9" * 1_000_000}]}
    error = transaction_error(endless, (), programs=[BUDGET, POOLS], custom_codes=CODES)
    assert error.detail.startswith('{"InstructionError": [1, {"Custom": 6006, "x": "')
    assert error.detail.endswith("... (cut, of 6000052 characters)")
    assert len(error.detail) < 1_100
    short = transaction_error("AccountNotFound", (), programs=[], custom_codes=CODES)
    assert short.detail == '"AccountNotFound"'


def test_a_custom_number_belongs_to_the_program_that_failed_first_not_to_the_one_that_called_it() -> None:
    failed_inside = (f"Program {TOKEN} failed: custom program error: 0x1", f"Program {POOLS} failed: custom ...: 0x1")
    failed_itself = (f"Program {TOKEN} success", f"Program {POOLS} failed: custom program error: 0x1")
    assert code_of({"InstructionError": [1, {"Custom": 1}]}, failed_inside) == "insufficient_funds"
    assert code_of({"InstructionError": [1, {"Custom": 1}]}, failed_itself) == "program_error"


def test_a_program_cannot_pass_for_another_by_what_it_logs() -> None:
    forged = (f"Program log: Program {TOKEN} failed: custom program error: 0x1",)
    assert code_of({"InstructionError": [1, {"Custom": 1}]}, forged) == "program_error"


def test_the_chains_own_words_are_kept_beside_the_code() -> None:
    error = transaction_error({"InstructionError": [1, {"Custom": 6006}]}, ["a"], programs=(), custom_codes=CODES)
    assert error.detail == '{"InstructionError": [1, {"Custom": 6006}]}'
    assert error.logs == ("a",)


def test_the_end_of_long_logs_is_kept_32_lines_and_4_kb_at_most() -> None:
    many = transaction_error("x", [f"line {n}" for n in range(100)], programs=(), custom_codes={}).logs
    long = transaction_error("x", ["y" * 1000] * 10, programs=(), custom_codes={}).logs
    assert (many[0], many[-1], len(many)) == ("line 68", "line 99", 32)
    assert len(long) == 4


def test_what_a_program_logs_can_be_recorded_whatever_it_is() -> None:
    error = transaction_error("x", ["Program log: a\0b\x1b[2J"], programs=[], custom_codes={})
    assert error.logs == ("Program log: a\ufffdb\ufffd[2J",)
