class InvitationsController < ApplicationController
  before_action :require_login

  def create
    team = current_user.owned_teams.find(params[:team_id])
    invitation = team.invite!(params.require(:email))
    InvitationMailer.invite(invitation).deliver_later
    render json: { id: invitation.id, seats_left: team.seats - team.seats_taken }, status: :created
  rescue Team::NoSeatLeft
    render json: { error: "All seats are taken." }, status: :conflict
  end
end
