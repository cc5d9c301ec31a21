class ProjectsController < ApplicationController
  before_action :require_login

  def index
    render json: current_account.projects.active.order(:name)
  end

  def destroy
    current_account.projects.active.find(params[:id]).archive!
    head :no_content
  end

  def restore
    project = current_account.projects.restorable.find(params[:id])
    project.restore!
    render json: project
  end
end
