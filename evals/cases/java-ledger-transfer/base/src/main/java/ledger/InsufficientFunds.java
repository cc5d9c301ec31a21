package ledger;

public class InsufficientFunds extends RuntimeException {
    InsufficientFunds(long account) {
        super("account " + account + " is unknown or does not have enough");
    }
}
