class ProjectsController < ApplicationController
  before_action :require_login

  def index
    render json: current_account.projects.order(:name)
  end

  def destroy
    current_account.projects.find(params[:id]).destroy!
    head :no_content
  end
end
