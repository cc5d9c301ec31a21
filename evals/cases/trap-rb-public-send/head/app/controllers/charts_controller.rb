class ChartsController < ApplicationController
  FIGURES = %w[orders revenue refunds].freeze
  DEFAULT_FIGURE = "orders".freeze

  before_action :require_login
  before_action :require_known_figure

  def show
    account = current_user.accounts.find(params[:account_id])
    report = AccountReport.new(account)
    render json: { figure: figure, points: report.public_send(figure) }
  end

  private

  def figure
    params.fetch(:figure, DEFAULT_FIGURE)
  end

  def require_known_figure
    return if FIGURES.include?(figure)

    render json: { error: "unknown figure", known: FIGURES }, status: :unprocessable_entity
  end
end
