class InvitationsController < ApplicationController
  before_action :require_login

  def create
    team = current_user.owned_teams.find(params[:team_id])
    invitation = team.invitations.create!(email: params.require(:email))
    InvitationMailer.invite(invitation).deliver_later
    render json: { id: invitation.id }, status: :created
  end
end
