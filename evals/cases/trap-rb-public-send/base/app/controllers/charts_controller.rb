class ChartsController < ApplicationController
  before_action :require_login

  def show
    account = current_user.accounts.find(params[:account_id])
    render json: AccountReport.new(account).orders
  end
end
