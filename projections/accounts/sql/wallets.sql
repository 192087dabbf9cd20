select wallet from accounts where wallet is not null order by wallet
