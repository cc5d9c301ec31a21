class ProfilesController < ApplicationController
  before_action :require_login

  def edit
    @user = current_user
  end

  def update
    @user = current_user
    if @user.update(params.require(:user).permit(:display_name, :email, :time_zone))
      redirect_to edit_profile_path, notice: "Saved."
    else
      render :edit, status: :unprocessable_entity
    end
  end
end
