module Api
  class ProfilesController < BaseController
    def show
      render json: profile_json(current_user)
    end

    def update
      if current_user.update(profile_attributes)
        render json: profile_json(current_user)
      else
        render json: { errors: current_user.errors.to_hash }, status: :unprocessable_entity
      end
    end

    private

    def profile_attributes
      params.require(:profile).except(:id, :created_at, :updated_at).permit!
    end

    def profile_json(user)
      {
        id: user.id,
        display_name: user.display_name,
        email: user.email,
        time_zone: user.time_zone,
        updated_at: user.updated_at.iso8601
      }
    end
  end
end
