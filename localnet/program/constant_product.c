/* A constant-product swap for the Solana VM, freestanding C without an SDK.

   Quote: fee = ceil(amount * fee_bps / 10000), taken on the input; net = amount - fee;
          out = floor(reserve_out * net / (reserve_in + net)). The whole amount stays in the pool.
   By exact out, the least amount in that gives it: net = ceil(reserve_in * out / (reserve_out - out)),
          amount = ceil(net * 10000 / (10000 - fee_bps)). Exactly out is paid, whatever was rounded up.

   Accounts                              Instruction data
   0  pool state       writable          u8   1 (swap)                       u8   2 (swap to an exact amount out)
   1  pool authority                     u64  amount in, base units          u64  greatest amount in accepted
   2  user             signer            u64  least amount out accepted      u64  amount out
   3  user's source    writable
   4  vault in         writable          Pools are made at the chain's genesis; there is no instruction
   5  vault out        writable          that makes, drains or changes one.
   6  user's target    writable
   7  token program

   Pool state, 160 bytes, integers little-endian
   [0] 1 when in use   [1] bump of the authority   [2:4] fee_bps   [8:40] vault A   [40:72] vault B
   [72:80] swaps so far   [80:112] mint A   [112:144] mint B   [144:160] venue, ASCII padded with zeros

   The authority is the program address of seeds [pool state key, bump]. It owns both vaults.
   Error numbers are public: venues/constant_product_errors.py lists them, a test compares. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

/* The sBPF v0 calling convention passes five arguments and the stack is small: everything is inlined. */
#define INLINE static inline __attribute__((always_inline))

enum {
  WRONG_ACCOUNTS = 6001,
  WRONG_OWNER = 6002,
  MISSING_SIGNATURE = 6003,
  POOL_NOT_IN_USE = 6004,
  WRONG_VAULT = 6005,
  SLIPPAGE_EXCEEDED = 6006,
  OVERFLOW = 6007,
  UNKNOWN_INSTRUCTION = 6008,
  NOTHING_OUT = 6009,
  WRONG_AUTHORITY = 6010,
  WRONG_TOKEN_PROGRAM = 6011,
  INSUFFICIENT_LIQUIDITY = 6012,
};

enum { STATE, AUTHORITY, USER, USER_SOURCE, VAULT_IN, VAULT_OUT, USER_TARGET, TOKEN_PROGRAM, ACCOUNTS };
enum { BPS = 10000, POOL_SIZE = 160, TOKEN_ACCOUNT_SIZE = 165, SWAP = 1, SWAP_EXACT_OUT = 2, SWAP_SIZE = 17 };

/* What the VM lays down for the program: SolAccountInfo and friends of the C SDK, field by field. */
typedef struct {
  u8 *key;
  u64 *lamports;
  u64 data_len;
  u8 *data;
  u8 *owner;
  u64 rent_epoch;
  u8 is_signer, is_writable, executable;
} Account;
typedef struct { u8 *key; u8 is_writable, is_signer; } Meta;
typedef struct { u8 *program; Meta *accounts; u64 account_len; u8 *data; u64 data_len; } Instruction;
typedef struct { const u8 *bytes; u64 len; } Slice;
typedef struct { const Slice *seeds; u64 len; } Signer;

extern u64 sol_invoke_signed_c(const Instruction *, const Account *, int, const Signer *, int);
extern u64 sol_create_program_address(const Slice *, int, const u8 *, u8 *);
extern void sol_log_data(const Slice *, u64);

/* TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA */
static const u8 SPL_TOKEN[32] __attribute__((aligned(8))) = {
    6, 221, 246, 225, 215, 101, 161, 147, 217, 203, 225, 70, 206, 235, 121, 172,
    28, 180, 133, 237, 95, 91, 55, 145, 58, 140, 245, 133, 126, 255, 0, 169};

/* Every key the VM lays down, and every key in the pool state, is 8-aligned. */
INLINE int same_key(const u8 *a, const u8 *b) {
  const u64 *x = (const u64 *)a, *y = (const u64 *)b;
  return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

INLINE u64 read_u64(const u8 *p) {
  u64 value = 0;
  for (int i = 7; i >= 0; i--) value = (value << 8) | p[i];
  return value;
}

/* floor(a * b / d) over a 128-bit product, by restoring division: sBPF has no 128-bit division and we link no runtime.
   Sets *overflow where the quotient does not fit 64 bits, and *rest to what is left over. */
INLINE u64 multiply_divide(u64 a, u64 b, u64 d, u64 *rest, int *overflow) {
  u64 a0 = (u32)a, a1 = a >> 32, b0 = (u32)b, b1 = b >> 32;
  u64 p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  u64 middle = (p00 >> 32) + (u32)p01 + (u32)p10;
  u64 low = (middle << 32) | (u32)p00;
  u64 high = p11 + (p01 >> 32) + (p10 >> 32) + (middle >> 32);
  if (high >= d) {
    *overflow = 1;
    return 0;
  }
  u64 quotient = 0;
#pragma clang loop unroll(disable)
  for (int bit = 0; bit < 64; bit++) {
    u64 carry = high >> 63;
    high = (high << 1) | (low >> 63);
    low <<= 1;
    quotient <<= 1;
    if (carry || high >= d) {
      high -= d;
      quotient |= 1;
    }
  }
  *rest = high;
  return quotient;
}

/* Split so that nothing overflows whatever the amount: amount = 10000 * whole + rest. */
INLINE u64 fee_on(u64 amount, u64 fee_bps) {
  u64 whole = amount / BPS, rest = amount % BPS;
  return whole * fee_bps + (rest * fee_bps + BPS - 1) / BPS;
}

INLINE u64 transfer(Account *accounts, int source, int target, int authority, u64 amount, const Signer *signer, int signers) {
  u8 data[9];
  data[0] = 3; /* SPL Token: Transfer */
  for (int i = 0; i < 8; i++) data[1 + i] = (u8)(amount >> (8 * i));
  Meta metas[3] = {{accounts[source].key, 1, 0}, {accounts[target].key, 1, 0}, {accounts[authority].key, 0, 1}};
  Instruction instruction = {accounts[TOKEN_PROGRAM].key, metas, 3, data, sizeof data};
  return sol_invoke_signed_c(&instruction, accounts, ACCOUNTS, signer, signers);
}

u64 entrypoint(u8 *input) {
  /* The serialised input: a count, then each account with 10 KiB of room to grow and padding, then data, then our id. */
  if (*(u64 *)input != ACCOUNTS) return WRONG_ACCOUNTS;
  Account accounts[ACCOUNTS];
  u8 *p = input + 8;
#pragma clang loop unroll(disable)
  for (int i = 0; i < ACCOUNTS; i++) {
    if (p[0] != 0xff) return WRONG_ACCOUNTS; /* the same account given twice */
    accounts[i].is_signer = p[1];
    accounts[i].is_writable = p[2];
    accounts[i].executable = p[3];
    accounts[i].key = p + 8;
    accounts[i].owner = p + 40;
    accounts[i].lamports = (u64 *)(p + 72);
    u64 len = *(u64 *)(p + 80);
    accounts[i].data_len = len;
    accounts[i].data = p + 88;
    p += 88 + len + 10240;
    p = (u8 *)(((u64)p + 7) & ~7ull);
    accounts[i].rent_epoch = *(u64 *)p;
    p += 8;
  }
  u64 data_len = *(u64 *)p;
  u8 *data = p + 8;
  u8 program[32] __attribute__((aligned(8)));
  for (int i = 0; i < 32; i++) program[i] = data[data_len + i];

  if (data_len != SWAP_SIZE || (data[0] != SWAP && data[0] != SWAP_EXACT_OUT)) return UNKNOWN_INSTRUCTION;
  if (!same_key(accounts[TOKEN_PROGRAM].key, SPL_TOKEN)) return WRONG_TOKEN_PROGRAM;

  u8 *state = accounts[STATE].data;
  if (!same_key(accounts[STATE].owner, program) || accounts[STATE].data_len < POOL_SIZE) return WRONG_OWNER;
  u64 fee_bps = state[2] | ((u64)state[3] << 8);
  if (state[0] != 1 || fee_bps >= BPS) return POOL_NOT_IN_USE;
  if (!accounts[USER].is_signer) return MISSING_SIGNATURE;

  Slice seeds[2] = {{accounts[STATE].key, 32}, {state + 1, 1}};
  u8 authority[32] __attribute__((aligned(8)));
  if (sol_create_program_address(seeds, 2, program, authority) || !same_key(authority, accounts[AUTHORITY].key))
    return WRONG_AUTHORITY;

  u8 *in = accounts[VAULT_IN].key, *out = accounts[VAULT_OUT].key, *a = state + 8, *b = state + 40;
  if (!(same_key(a, in) && same_key(b, out)) && !(same_key(b, in) && same_key(a, out))) return WRONG_VAULT;
  for (int i = VAULT_IN; i <= VAULT_OUT; i++)
    if (!same_key(accounts[i].owner, SPL_TOKEN) || accounts[i].data_len < TOKEN_ACCOUNT_SIZE) return WRONG_VAULT;

  u64 amount = read_u64(data + 1), bought = read_u64(data + 9);
  u64 reserve_in = read_u64(accounts[VAULT_IN].data + 64), reserve_out = read_u64(accounts[VAULT_OUT].data + 64);
  u64 fee, rest = 0;
  int overflow = 0;
  if (data[0] == SWAP) {
    u64 minimum = bought, net = amount - (fee = fee_on(amount, fee_bps));
    if (reserve_in + amount < amount) return OVERFLOW;
    if (net == 0) return NOTHING_OUT;
    bought = multiply_divide(reserve_out, net, reserve_in + net, &rest, &overflow);
    if (overflow) return OVERFLOW;
    if (bought == 0) return NOTHING_OUT;
    if (bought < minimum) return SLIPPAGE_EXCEEDED;
  } else {
    u64 maximum = amount;
    if (bought == 0) return NOTHING_OUT;
    if (bought >= reserve_out) return INSUFFICIENT_LIQUIDITY;
    u64 net = multiply_divide(reserve_in, bought, reserve_out - bought, &rest, &overflow);
    if (overflow || net + (rest != 0) < net) return OVERFLOW;
    net += rest != 0;
    amount = multiply_divide(net, BPS, BPS - fee_bps, &rest, &overflow);
    if (overflow || amount + (rest != 0) < amount) return OVERFLOW;
    amount += rest != 0;
    if (reserve_in + amount < amount) return OVERFLOW;
    if (amount == 0) return NOTHING_OUT; /* an empty pool */
    if (amount > maximum) return SLIPPAGE_EXCEEDED;
    fee = fee_on(amount, fee_bps);
  }

  /* The token program checks the rest: that the user owns the source, that mints agree, that both hold enough. */
  u64 failed = transfer(accounts, USER_SOURCE, VAULT_IN, USER, amount, 0, 0);
  if (failed) return failed;
  Signer signer = {seeds, 2};
  failed = transfer(accounts, VAULT_OUT, USER_TARGET, AUTHORITY, bought, &signer, 1);
  if (failed) return failed;

  u64 *swaps = (u64 *)(state + 72);
  *swaps += 1;
  u64 event[6] = {amount, bought, fee, reserve_in, reserve_out, *swaps};
  Slice logged = {(const u8 *)event, sizeof event};
  sol_log_data(&logged, 1);
  return 0;
}
