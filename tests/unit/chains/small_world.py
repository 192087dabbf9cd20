"""The local world in a virtual machine of its own, and the transactions of one order in it: sell 2 SOL for USDC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.token import ID as TOKEN
from solders.token.associated import get_associated_token_address
from solders.token.state import TokenAccount
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from chains.decoding import Decoded
from chains.guard import GUARD_BYTES, GuardKey
from chains.own_accounts import own_accounts, token_account
from chains.transaction_checks import AllowedSwap, check
from chains.transactions import ATA_PROGRAM, compose, memo_text
from domain.tokens import KNOWN_TOKENS, SOL, USDC
from localnet.genesis import genesis_accounts
from localnet.program import PROGRAM_FILE
from localnet.transaction_meta import inner_instructions
from venues.constant_product import PROGRAM_ID, Pool, decode_pool, read_swap, swap_instruction

KEYPAIR = Keypair.from_seed(bytes(32))
WALLET = str(KEYPAIR.pubkey())
STRANGER = Keypair.from_seed(bytes([1] * 32))
MARKET = Keypair.from_seed(bytes([2] * 32)).pubkey()
ORDER = UUID(int=1)
GUARD_KEY = GuardKey(bytes(32))
GUARD = GUARD_KEY.of_order(WALLET, ORDER)
PROGRAM = Pubkey.from_string(PROGRAM_ID)
AMOUNT_IN, MINIMUM_OUT = 2 * 10**9, 290 * 10**6
MOST_PRIORITY = 5_000
UNITS = 60_000
BLOCKHASH = str(Hash.hash(b"a recent one"))
SOURCE, DESTINATION = token_account(WALLET, SOL.mint), token_account(WALLET, USDC.mint)
OFF_LIMITS = own_accounts(WALLET, [token.mint for token in KNOWN_TOKENS.tokens]) | {
    Pubkey.from_string(GUARD_KEY.canary(WALLET).address)
}
TABLE = Pubkey(b"t" * 32)
ALLOWED = AllowedSwap(
    wallet=WALLET,
    token_in=SOL.mint,
    token_out=USDC.mint,
    amount_in=AMOUNT_IN,
    minimum_out=MINIMUM_OUT,
    readers={PROGRAM: read_swap},
    off_limits=OFF_LIMITS,
)


def genesis() -> list[tuple[Pubkey, Account]]:
    return genesis_accounts(KEYPAIR.pubkey(), MARKET, STRANGER.pubkey())


GENESIS = genesis()
POOLS: Mapping[str, Pool] = {
    pool.venue: pool
    for address, account in GENESIS
    if account.owner == PROGRAM
    and (pool := decode_pool(str(address), PROGRAM_ID, bytes(account.data)))
    and set(pool.mints) == {SOL.mint, USDC.mint}
}


@dataclass
class Ran:
    """What a transaction did in the virtual machine; ``gained`` is of each of the wallet's token accounts it named."""

    error: Any
    units: int
    inner: list[dict[str, Any]]
    gained: dict[Pubkey, int]
    lamports: int
    changed: set[Pubkey]


@dataclass
class World:
    """Each ``run`` begins with the same accounts."""

    svm: LiteSVM = field(default_factory=LiteSVM)

    def __post_init__(self) -> None:
        self.svm.with_transaction_history(0)
        self.svm.with_blockhash_check(False)
        self.svm.with_sigverify(False)
        self.svm.add_program(PROGRAM, PROGRAM_FILE.read_bytes())
        for address, account in GENESIS:
            self.svm.set_account(address, account)
        self.rent = self.svm.minimum_balance_for_rent_exemption(GUARD_BYTES)

    def without(self, address: Pubkey) -> World:
        """The world where that account is not there yet."""
        self.svm.set_account(address, Account(0, b"", Pubkey.default()))
        return self

    def fallen(self) -> World:
        """The world where a SOL buys a fifth less USDC: no swap of the order meets its least amount."""
        for pool in POOLS.values():
            vault = Pubkey.from_string(pool.vaults_for(SOL.mint)[1])
            held = self.svm.get_account(vault)
            left = TokenAccount.from_bytes(bytes(held.data)).amount * 4 // 5
            data = bytes(held.data[:64]) + left.to_bytes(8, "little") + bytes(held.data[72:])
            self.svm.set_account(vault, Account(held.lamports, data, held.owner))
        return self

    def meta(self, message: Message | MessageV0) -> Any:
        """What the machine says of a simulation of it."""
        unsigned = [Signature.default()] * message.header.num_required_signatures
        return self.svm.simulate_transaction(VersionedTransaction.populate(message, unsigned)).meta()

    def run(self, message: Message | MessageV0) -> Ran:
        """Simulated: nothing stays. Signatures aren't looked at, so whoever is asked to sign has signed."""
        unsigned = [Signature.default()] * message.header.num_required_signatures
        outcome = self.svm.simulate_transaction(VersionedTransaction.populate(message, unsigned))
        failed = isinstance(outcome, FailedTransactionMetadata)
        meta = outcome.meta()
        after = {} if isinstance(outcome, FailedTransactionMetadata) else dict(outcome.post_accounts())
        gained, changed = {}, set()
        for address, account in after.items():
            before = self.svm.get_account(address)
            was, now = _held(before), _held(account)
            if WALLET in (was.owner, now.owner):
                gained[address] = now.amount - was.amount
                if was.kept and (was.kept != now.kept or not now.kept):
                    changed.add(address)
        wallet = after.get(KEYPAIR.pubkey())
        lamports = wallet.lamports - self.svm.get_account(KEYPAIR.pubkey()).lamports if wallet else 0
        inner = [one for each in inner_instructions(meta) for one in each["instructions"]]
        error = outcome.err() if failed else None
        return Ran(error, meta.compute_units_consumed(), inner, gained, lamports, changed)


@dataclass(frozen=True)
class Held:
    """A token account: who owns it, how much, and everything of it that a swap leaves as it is."""

    owner: str | None = None
    amount: int = 0
    kept: object = None


def _held(account: Account | None) -> Held:
    if account is None or len(account.data) != 165 or not account.lamports:
        return Held()
    read = TokenAccount.from_bytes(bytes(account.data))
    data = bytes(account.data)
    return Held(str(read.owner), read.amount, data[:64] + data[72:])


WORLD, FALLEN = World(), World().fallen()
RENT = WORLD.rent


def swap(
    pool: Pool = POOLS["Meteora"], *, amount_in: int = AMOUNT_IN, minimum_out: int = MINIMUM_OUT, **changes: Any
) -> Instruction:
    terms: dict[str, Any] = {"owner": WALLET, "token_in": SOL.mint}
    return swap_instruction(pool, amount_in=amount_in, minimum_out=minimum_out, **(terms | changes))


def renamed(instruction: Instruction, position: int, address: Pubkey) -> Instruction:
    """With another account at that position."""
    accounts = list(instruction.accounts)
    old = accounts[position]
    accounts[position] = AccountMeta(address, old.is_signer, old.is_writable)
    return Instruction(instruction.program_id, bytes(instruction.data), accounts)


def making_account(mint: str = USDC.mint, owner: Pubkey | None = None) -> Instruction:
    """The associated token program's ``CreateIdempotent``, paid by the wallet."""
    payer, key = KEYPAIR.pubkey(), Pubkey.from_string(mint)
    for_whom = owner or payer
    accounts = [
        AccountMeta(payer, True, True),
        AccountMeta(get_associated_token_address(for_whom, key), False, True),
        *(AccountMeta(one, False, False) for one in (for_whom, key, Pubkey.default(), TOKEN)),
    ]
    return Instruction(Pubkey.from_string(ATA_PROGRAM), b"\x01", accounts)


def table(addresses: Iterable[Pubkey] = ()) -> AddressLookupTableAccount:
    """One that holds the accounts of the good swap, and ``addresses``."""
    held = [account.pubkey for account in swap().accounts if not account.is_signer]
    return AddressLookupTableAccount(TABLE, [*held, *addresses])


def composed(*instructions: Instruction, tables: Sequence[AddressLookupTableAccount] = (), **changes: Any) -> MessageV0:
    terms: dict[str, Any] = {
        "guard": GUARD.instructions(RENT),
        "wallet": WALLET,
        "order_id": ORDER,
        "attempt": 1,
        "blockhash": BLOCKHASH,
        "compute_units": UNITS,
        "compute_unit_price": 10_000,
    }
    return compose(instructions or (swap(),), lookup_tables=tables, **(terms | changes))


def checked(
    message: Message | MessageV0, *, tables: Sequence[AddressLookupTableAccount] = (), **changes: Any
) -> Decoded:
    terms: dict[str, Any] = {
        "wallet": WALLET,
        "memo": memo_text(ORDER, 1),
        "blockhash": BLOCKHASH,
        "guard": GUARD,
        "rent": RENT,
        "most_priority_lamports": MOST_PRIORITY,
        "swap": ALLOWED,
        "tables": {one.key: one.addresses for one in tables},
    }
    return check(message, **(terms | changes))
