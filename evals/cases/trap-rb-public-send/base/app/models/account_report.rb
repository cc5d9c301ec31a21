class AccountReport
  def initialize(account)
    @account = account
  end

  def orders
    @account.orders.group_by_month(:placed_at).count
  end

  def revenue
    @account.orders.group_by_month(:placed_at).sum(:total_cents)
  end

  def refunds
    @account.refunds.group_by_month(:created_at).sum(:amount_cents)
  end

  def delete_all!
    @account.orders.delete_all
  end
end
